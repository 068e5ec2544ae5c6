export { cacheFolder } from './experiment/cache.js';
export { parseExperiment, readExperiment } from './experiment/file.js';
export { describePlan, type Plan, type PlannedQueries } from './experiment/plan.js';
export { type Bar, type Progress, silent } from './experiment/progress.js';
export { type RunOptions, type RunOutcome, runExperiment } from './experiment/run.js';
export { type Experiment, experimentSchema } from './experiment/schema.js';
export { type Survey, surveyExperiment } from './experiment/survey.js';

export type { Calibrated, Calibration } from './calibration.js';
export { type CalibrationId, calibrationIds, calibrations } from './calibrations/index.js';
export { fitNgramTable } from './controls/ngram.js';
export { shuffleExplanations } from './controls/shuffled.js';
export {
  type CalibrationBatch,
  collectPairs,
  fitCalibrations,
} from './pipeline.js';
export { lastTokenPrompt } from './prompts/last-token.js';
export type { MissingReason, Question, RatingBlock, Reader, Simulator } from './simulator.js';
export { executable } from './simulators/executable.js';
export { openai } from './simulators/openai.js';
export { scripted } from './simulators/scripted.js';
export { synthetic } from './simulators/synthetic.js';
export { memoryStore, openStore, type RatingStore } from './store.js';

export { type Answer, answerSchema, type TokenLogprob } from './answer.js';
export type { Calibrated, Calibration, CalibrationPairs } from './calibration.js';
export { type CalibrationId, calibrations } from './calibrations/index.js';
export { fitNgramTable, type NgramTable } from './controls/ngram.js';
export { shuffleExplanations } from './controls/shuffled.js';
export {
  type CalibrationBatch,
  calibrate,
  collectPairs,
  fitCalibrations,
  type SimulatedActivations,
  scaleRatings,
} from './pipeline.js';
export { type LastTokenPrompt, lastTokenPrompt, WINDOW_TOKENS } from './prompts/last-token.js';
export { ratingBlock, risingLatents } from './rating-block.js';
export { expectedDigit, LEAST_DIGIT_MASS, readRating } from './read-out.js';
export type { MissingReason, Question, RatingBlock, Reader, Simulator } from './simulator.js';
export { executable } from './simulators/executable.js';
export { type OpenAiOptions, type OpenAiUsage, openai } from './simulators/openai.js';
export { type Script, type ScriptedCall, scripted } from './simulators/scripted.js';
export { type SyntheticLatents, type SyntheticOptions, synthetic } from './simulators/synthetic.js';
export { type AnswerIdentity, answerKey, memoryStore, openStore, type RatingStore } from './store.js';

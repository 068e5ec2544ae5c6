export type { CoderSpec, CoderTensor, SparsityRule } from './coders/coder.js';
export { type CoderEvidence, collectEvidence, joinActivations, type ReadComponent } from './coders/evidence.js';
export { LatentRowsBuilder, mixRows, nothingFires, rowOf, sparsify } from './coders/latent-rows.js';
export { sparsifyFiles } from './coders/save-sparsify.js';
export { openCoder, type SparseCoder } from './coders/sparse-coder.js';
export { readSparsify } from './coders/sparsify.js';
export { type CoderWeights, RECIPE, type TrainRecipe, type TrainReport, trainCoder } from './coders/train.js';
export { coderArm } from './kinds/coder.js';
export { meanLatents } from './kinds/mean-latents.js';
export { meanOutput } from './kinds/mean-output.js';
export { original } from './kinds/original.js';
export { resampleOutput } from './kinds/resample-output.js';
export { type MissingPolicy, type RewriteOptions, rewriteArm, rewriteLatents } from './kinds/rewrite.js';
export { zeroLatents } from './kinds/zero-latents.js';
export { zeroOutput } from './kinds/zero-output.js';
export { perSite } from './per-site.js';
export type { LatentPredictor, PredictedLatents } from './predictor.js';
export {
  type Answer,
  type AnswerIdentity,
  answerKey,
  answerSchema,
  type Calibrated,
  type Calibration,
  type CalibrationBatch,
  type CalibrationId,
  type CalibrationPairs,
  calibrate,
  calibrations,
  collectPairs,
  executable,
  expectedDigit,
  fitCalibrations,
  fitNgramTable,
  type LastTokenPrompt,
  LEAST_DIGIT_MASS,
  lastTokenPrompt,
  type MissingReason,
  memoryStore,
  type NgramTable,
  type OpenAiOptions,
  type OpenAiUsage,
  openai,
  openStore,
  type Question,
  type RatingBlock,
  type RatingStore,
  type Reader,
  ratingBlock,
  readRating,
  risingLatents,
  type Script,
  type ScriptedCall,
  type SimulatedActivations,
  type Simulator,
  type SyntheticLatents,
  type SyntheticOptions,
  scaleRatings,
  scripted,
  shuffleExplanations,
  synthetic,
  type TokenLogprob,
  WINDOW_TOKENS,
} from './simulated/index.js';
export { ngramPredictor, type ScaledRatings, scaledRatings, simulatedPredictor } from './simulated/predictor.js';
export { type Truth, truthOf } from './truth.js';

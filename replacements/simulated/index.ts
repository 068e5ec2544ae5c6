export type {
  Asker,
  Expects,
  ExplainedLatent,
  Query,
  QueryShape,
  ShapedQuery,
  SlotAnswer,
  SlotDistribution,
} from './asking/query.js';
export type { SurprisalAnswer, SurprisalQuery } from './asking/surprisal.js';
export type { TextAnswer, TextQuery } from './asking/text.js';
export {
  type Assumed,
  assumedSchema,
  type ImportReport,
  importAnswers,
  type LineOutcome,
  linesOf,
  type RecordedQuestion,
  readCustomId,
  recordingAsker,
  storedAsker,
  type TakeQuestion,
} from './batch/index.js';
export type { Calibrated, Calibration } from './calibration.js';
export { type CalibrationId, calibrationIds, calibrations } from './calibrations/index.js';
export { fitNgramTable } from './controls/ngram.js';
export { shuffleExplanations } from './controls/shuffled.js';
export {
  type Alarm,
  alarmText,
  answerTokens,
  BudgetReached,
  type Endpoints,
  Meter,
  type Needs,
  OWN_FIELDS,
  openEndpoints,
  queryKey,
  type Spend,
  systemClock,
} from './endpoints/index.js';
export { type ChatMessage, type ChatPrompt, openChatPrompt } from './local/chat-prompt.js';
export { type LocalAsker, type LocalAskerOptions, type LocalUsage, localAsker } from './local/local-asker.js';
export {
  type CalibrationBatch,
  collectPairs,
  fitCalibrations,
} from './pipeline.js';
export { lastTokenPrompt } from './prompts/last-token.js';
export { type Prompts, readPrompts } from './prompts/prompts.js';
export { type ReadOut, type ReadOutId, readAnswer, readOutIds, readOuts } from './read-outs/index.js';
export { type Closeness, decoderCloseness } from './sampling/closeness.js';
export {
  type SampledOptions,
  type SampledRatings,
  type SamplingPlan,
  type SamplingReport,
  sampledRatings,
} from './sampling/sampled-ratings.js';
export { type LatentTraits, type Strata, type StrataOptions, strataOf } from './sampling/strata.js';
export {
  type ChatService,
  type ChatServiceOptions,
  errorReply,
  openChatService,
  type Reply,
  RequestRefused,
} from './serving/index.js';
export { openShape, type ShapeConfig, shapeKinds, shapeSchema } from './shapes/index.js';
export type { MissingReason, Question, RatingBlock, Reader, Simulator } from './simulator.js';
export { type AskingOptions, askingSimulator } from './simulators/asking.js';
export { executable } from './simulators/executable.js';
export { scripted } from './simulators/scripted.js';
export { synthetic } from './simulators/synthetic.js';
export { type AnswerStore, type Answers, memoryAnswers, openAnswers } from './store/index.js';

export { type CutModel, openCut, openReader, type Reader } from './cut.js';
export type { NamedHookpoint } from './hookpoints/index.js';
export { type Inspection, inspectModel } from './inspect.js';
export { MODEL_FILES } from './locate.js';
export { openTextLosses, type TextLosses } from './losses.js';
export type { Measurement, OpenCut, Protocol } from './measure.js';
export { type Model, openModel } from './open.js';
export {
  type LanguageModel,
  type NextToken,
  openLanguageModel,
  type ReadingOptions,
  type ReadingWork,
  type TokenRow,
  type Wanted,
} from './reader/index.js';
export { openSteeredModel, type SteeredModel } from './steering.js';
export { openUnembedding, type Unembedding } from './unembedding.js';

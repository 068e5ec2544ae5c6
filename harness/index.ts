export { type ImportOptions, type ImportRecord, importCheckpoint } from './checkpoint/import.js';
export type { Context } from './context.js';
export { UsageError } from './errors.js';
export { decodeText, readText } from './files.js';
export { sha256, sha256OfFile } from './hash.js';
export {
  causalMask,
  type GptNeoxConfig,
  gptNeox,
  gptNeoxWithCache,
  type WeightSource,
} from './model/architectures/gpt-neox-graph.js';
export {
  type CutModel,
  type Inspection,
  inspectModel,
  type LanguageModel,
  type Measurement,
  MODEL_FILES,
  type Model,
  type NamedHookpoint,
  type NextToken,
  type OpenCut,
  openCut,
  openLanguageModel,
  openModel,
  openReader,
  openSteeredModel,
  openTextLosses,
  openUnembedding,
  type Protocol,
  type Reader,
  type ReadingOptions,
  type ReadingWork,
  type SteeredModel,
  type TextLosses,
  type TokenRow,
  type Unembedding,
  type Wanted,
} from './model/index.js';
export { type NpzArray, type NpzFile, openNpz } from './npz.js';
export { Graph, type Value as GraphValue } from './onnx/builder.js';
export { encodeModel } from './onnx/codec.js';
export { filesOf } from './onnx/files.js';
export * as ops from './onnx/ops.js';
export { type Random, seededRandom } from './random.js';
export type { Filling, Hookpoint, ReadPoint, Replacement, Site, WritePoint } from './replacement.js';
export {
  float32,
  float32Data,
  int64,
  int64Data,
  ortRuntime,
  type Runtime,
  type Session,
  type Value,
} from './runtime/index.js';
export { encodeSafetensors, openSafetensors, type SafetensorsFile, type StoredTensor } from './safetensors.js';
export { settleAll } from './settle.js';
export {
  type ComponentInput,
  type ComponentOutput,
  componentInput,
  componentOutput,
  type LatentActivations,
} from './tensor.js';
export { contextsOf, makeContext, openTokenizer, readTexts, type Tokenizer } from './tokens/index.js';
export { adamStep } from './train/adam.js';
export { type Parameter, Trainer } from './train/trainer.js';

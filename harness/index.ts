export type { Context } from './context.js';
export { UsageError } from './errors.js';
export { type Random, seededRandom } from './random.js';
export type { Filling, Hookpoint, Replacement, Site } from './replacement.js';
export {
  type ComponentInput,
  type ComponentOutput,
  componentInput,
  componentOutput,
  type LatentActivations,
  type Matrix,
} from './tensor.js';

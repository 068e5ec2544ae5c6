export {
  errorShares,
  type LatentTally,
  latentTally,
} from './latentTally.js';
export type { ArmMeasurements, Measurements } from './measurements.js';
export { summarize } from './summarize.js';

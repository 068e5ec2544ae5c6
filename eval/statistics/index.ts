export {
  errorShares,
  type FiringScores,
  type LatentTally,
  latentTally,
  type MissingPair,
} from './latentTally.js';
export type { ArmMeasurements, MeasuredContext, Measurements } from './measurements.js';
export { type Metric, type PairedDifference, type PairedStatistics, pairedStatistics } from './paired.js';
export { EQUIVALENCE_MARGIN, type Measured, summarize } from './summarize.js';

export {
  type AcrossResults,
  type ComparisonAcross,
  compareResults,
  fullArmsOf,
  type ResultToCompare,
} from './across.js';
export { type ComparedEntry, compareEntries, compareReaders } from './compare.js';
export { describeLengths } from './lengths.js';
export type { Comparison, Entry, Length, Reading, TwoReaders } from './schema.js';
export { type Contender, type Contest, findWinners, type Winners } from './winners.js';

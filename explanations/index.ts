export {
  type Explanation,
  explanationSchema,
  type PatternExplanation,
  type Provenance,
  type Rule,
  type SentenceExplanation,
  type Style,
} from './explanation.js';
export { type ExplanationLimits, formatExplanations, parseExplanations, readExplanations } from './file.js';
export { type ActivationsByLatent, byLatent, checkEvidence, type Evidence } from './induce/evidence.js';
export { type InduceOptions, inducePatterns } from './induce/induce.js';
export { indexNgrams, type NgramIndex, type NgramLevel } from './induce/ngrams.js';
export { describePattern, quoteToken } from './pattern/describe.js';
export { compilePatterns, type PatternMatcher, type PatternRatings } from './pattern/matcher.js';
export { findAmbiguity, patternLength, ratePattern } from './pattern/pattern.js';
export { explanationText } from './text.js';

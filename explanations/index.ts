export {
  type Explanation,
  explanationSchema,
  type PatternExplanation,
  type Provenance,
  type Rule,
  type SentenceExplanation,
  type Style,
} from './explanation.js';

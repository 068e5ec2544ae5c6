export {
  type ExplainedStyle,
  type ExplainerEvidence,
  type ExplainerOptions,
  type Extra,
  explain,
  explainedStyles,
  explainerNeeds,
  explainerUses,
} from './explainers/index.js';
export {
  compileExplanations,
  type Explanation,
  executableStyles,
  explanationLength,
  explanationSchema,
  explanationText,
  type InStyle,
  isExecutable,
  type PatternExplanation,
  type Provenance,
  type Rule,
  type SentenceExplanation,
  type Style,
  styles,
} from './explanation.js';
export { formatExplanations, parseExplanations, readExplanations } from './file.js';
export { harmless as harmlessProse } from './formats/hostile.js';
export {
  describeAltered,
  describeLoss,
  describeUnmatched,
  type ExplanationFile,
  explanationFormats,
  listUnmatched,
  type ReadExplanationOptions,
  readExplanationFile,
  type Unmatched,
  type UnmatchedReason,
  type WriteOptions,
  writeExplanationFile,
} from './formats/index.js';
export { checkEvidence, type Evidence } from './induce/evidence.js';
export { type InduceOptions, inducePatterns } from './induce/induce.js';
export type { Directions } from './induce/joint.js';
export { indexNgrams, type NgramIndex } from './induce/ngrams.js';
export { quoteToken } from './pattern/describe.js';
export { compilePatterns } from './pattern/matcher.js';
export { patternLength } from './pattern/pattern.js';
export { PLANTED_KINDS, type PlantedKind, plantError } from './planted/plant.js';
export { parseProgram } from './program/parser.js';
export { printProgram } from './program/print.js';
export { type Program, ProgramError } from './program/syntax.js';
export type { SparseRatings, TokenRater } from './rater.js';
export type { Promoted } from './styles/output.js';
export type { CountTokens } from './styles/style.js';

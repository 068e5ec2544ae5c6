export { askingJudge } from './asking-judge.js';
export { type Embedder, similarity, tokenStatistics } from './embedder.js';
export { embeddingJudge } from './embedding-judge.js';
export {
  activates,
  checkExample,
  type Draw,
  HIGHLIGHT_SHARE,
  highlights,
  type ScoredExample,
  type SteeredPair,
} from './example.js';
export { scoredExample, scoredExamples } from './from-evidence.js';
export {
  type Abilities,
  type Ability,
  type Answered,
  type AnswerOf,
  type Given,
  type Judge,
  type MarkedText,
  type QuestionKind,
  type QuestionOf,
  type Questions,
  together,
} from './judge.js';
export { type KeptSurprisals, type LanguageModelJudgeOptions, languageModelJudge } from './language-model-judge.js';
export { type JudgePrompts, ourJudgePrompts } from './prompts.js';
export { executableJudge, ratingJudge } from './rating-judge.js';
export { tokenCacheJudge } from './token-cache-judge.js';

/** Evidence for explanations: a coder's activations over much text, on disk, and examples drawn from them. */
export { type EncodeContexts, encodeContexts, type FillOptions, fillCache } from './cache/fill.js';
export { contextsOfCorpus, type LatentGroup, largestActivations, latentGroups } from './cache/groups.js';
export { type ActivationCache, openCache } from './cache/open.js';
export { type CacheIdentity, otherThan } from './cache/records.js';
export {
  type HeldPart,
  type HeldText,
  heldText,
  refuseContaminated,
  refuseShared,
  SHARED_RUN,
  SHARED_RUN_OF_TEXT,
} from './contamination.js';
export { type Corpus, type Firings, indexTokens, type TokenIndex } from './corpus.js';
export { type DrawExamples, type DrawOptions, type DrawPlan, drawer, type LatentFirings } from './draw/draw.js';
export {
  type Drawn,
  type EvidenceExample,
  examplesOf,
  type FiringExample,
  type LatentExamples,
  type NearMissExample,
  type NeighbourExample,
  type RandomExample,
  type SilentExample,
} from './draw/example.js';
export { type CacheDrawer, DRAW_PLAN, drawFromCache } from './draw/from-cache.js';
export type { NeighbourFirings } from './draw/sources.js';
export { decoderNeighbours, type Neighbour, type Neighbours } from './neighbours.js';
export { type PromotedOptions, type PromotedToken, promotedTokens } from './promoted.js';

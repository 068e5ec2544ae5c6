import type { InStyle, Style } from '../../explanations/index.js';
import type { MissingReason } from '../simulated/index.js';
import type { LatentEvidence } from './evidence.js';
import type { RefineRound } from './refine/round.js';

/** Why a latent has no explanation. Never is one invented in its place. */
export type Unexplained =
  | MissingReason
  /** The latent fires in no example, or there is none to score by. */
  | 'too few examples'
  /** What was written would rather instruct its reader. */
  | 'instructs its reader';

/** An explanation, or why there is none. */
export type Explained<S extends Style> =
  | { readonly explanation: InStyle<S>; readonly rounds?: readonly RefineRound[] }
  | { readonly missing: Unexplained };

/** Writes explanations of one style with the help of a language model. A wrapper has the face of what it wraps. */
export interface ProseExplainer<S extends Style> {
  readonly style: S;
  /** @throws only what stops the run, as writer and judge throw it */
  explain(evidence: LatentEvidence, signal: AbortSignal): Promise<Explained<S>>;
}

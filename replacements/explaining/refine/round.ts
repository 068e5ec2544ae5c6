import type { Unexplained } from '../explained.js';

/** A round whose explanation was compared with the one before, on the same held-out examples: 0 to 1, 0.5 by chance. */
export interface ComparedRound {
  readonly kind: 'kept' | 'rejected';
  readonly from: number;
  readonly to: number;
}

/** What became of one round. */
export type RefineRound =
  | ComparedRound
  /** What was written says what the explanation says already. */
  | { readonly kind: 'unchanged' }
  /** The reader answered too little to tell which is better. */
  | { readonly kind: 'undecided' }
  | { readonly kind: 'missing'; readonly why: Unexplained };

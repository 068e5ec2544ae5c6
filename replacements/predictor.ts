import type { LatentActivations, Site } from '../harness/index.js';

/** What a predictor says of a site's latents, in the coder's activation unit, one row a position. */
export interface PredictedLatents {
  readonly activations: LatentActivations;
  /** Pairs for which no prediction came. They are not zeros. */
  readonly missing: readonly { readonly row: number; readonly latent: number }[];
}

/** Anything that says how strongly latents fire without the coder's encoder: a simulator with its calibration, a table. */
export interface LatentPredictor {
  readonly name: string;
  /** The latents it speaks of, one byte a latent; of the others it says nothing and the truth is kept. */
  readonly covers: Uint8Array;
  /** Whether it asks for ratings, which may not come. */
  readonly asksRatings: boolean;
  /** Called once a site, however many arms use it. */
  predict(site: Site, signal: AbortSignal): Promise<PredictedLatents>;
}

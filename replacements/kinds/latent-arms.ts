import type { ComponentOutput, LatentActivations, Replacement, Site } from '../../harness/index.js';
import { type LatentRow, LatentRowsBuilder, mixRows, nothingFires, rowOf, sparsify } from '../coders/latent-rows.js';
import type { SparseCoder } from '../coders/sparse-coder.js';
import { perSite } from '../per-site.js';
import type { LatentPredictor, PredictedLatents } from '../predictor.js';
import { unrated } from './output-baselines.js';

/** What to do with a latent whose rating did not come: leave the position out, or let the latent keep its true activation. */
export type MissingPolicy = 'drop-position' | 'keep-truth';

/** The true latents of a site, encoded once. */
export type Truth = (site: Site, signal: AbortSignal) => Promise<LatentActivations>;

export function truthOf(coder: SparseCoder): Truth {
  return perSite((site) => coder.encode(site.input));
}

/** The sparse coder as it is. */
export function coderArm(coder: SparseCoder, truth: Truth): Replacement {
  return {
    name: 'coder',
    fill: async (site, signal) => unrated(await coder.decode(await truth(site, signal), site.input)),
  };
}

/** Zero ablation of the latents: what `b_dec` and the skip path give without them. Not the zero vector. */
export function zeroLatents(coder: SparseCoder): Replacement {
  return {
    name: 'zero-latents',
    fill: async (site) =>
      unrated(await coder.decode(nothingFires(site.positions.length, coder.spec.latents), site.input)),
  };
}

/**
 * Each latent at its mean over held-out text, all at once and without the sparsity rule: mean ablation of the latents.
 * @param means `[latent]`
 */
export function meanLatents(coder: SparseCoder, means: Float32Array): Replacement {
  const ids = Uint32Array.from(means.keys()).filter((latent) => means[latent]! > 0);
  const row: LatentRow = { ids, values: Float32Array.from(ids, (latent) => means[latent]!) };
  // Every row is the same, so it is decoded as a constant rather than gathered anew at each position.
  return {
    name: 'control-mean-latents',
    async fill(site) {
      const builder = new LatentRowsBuilder(coder.spec.latents);
      for (let i = 0; i < site.positions.length; i++) builder.push(row);
      return unrated(await coder.decode(builder.build(), site.input));
    },
  };
}

export interface RewriteOptions {
  readonly name: string;
  readonly coder: SparseCoder;
  readonly truth: Truth;
  readonly predictor: LatentPredictor;
  /** One byte a latent: 1 where the prediction takes the truth's place. */
  readonly selected: Uint8Array;
  readonly missing: MissingPolicy;
}

/** The latents after rewriting: predictions for the selected, the truth for the rest, then the coder's sparsity rule. */
export function rewriteLatents(
  coder: SparseCoder,
  truth: LatentActivations,
  predicted: PredictedLatents,
  selected: Uint8Array,
): LatentActivations {
  const { latents, sparsity } = coder.spec;
  const builder = new LatentRowsBuilder(latents);
  const missingByRow = new Map<number, number[]>();
  for (const { row, latent } of predicted.missing) missingByRow.set(row, [...(missingByRow.get(row) ?? []), latent]);
  for (let row = 0; row < truth.positions; row++) {
    const missing = missingByRow.get(row);
    const here = missing ? withoutMissing(selected, missing) : selected;
    builder.push(sparsify(mixRows(rowOf(truth, row), rowOf(predicted.activations, row), here), sparsity, latents));
  }
  return builder.build();
}

function withoutMissing(selected: Uint8Array, missing: readonly number[]): Uint8Array {
  const here = selected.slice();
  for (const latent of missing) here[latent] = 0;
  return here;
}

/** Replaces the encoder by a predictor for the selected latents that it covers. */
export function rewriteArm({ name, coder, truth, predictor, selected, missing }: RewriteOptions): Replacement {
  const rewritten = selected.map((chosen, latent) => chosen & predictor.covers[latent]!);
  return {
    name,
    async fill(site, signal) {
      const [actual, predicted] = await Promise.all([truth(site, signal), predictor.predict(site, signal)]);
      const latents = rewriteLatents(coder, actual, predicted, rewritten);
      const output: ComponentOutput = await coder.decode(latents, site.input);
      const count = new Uint32Array(site.positions.length);
      for (const { row, latent } of predicted.missing) count[row]! += rewritten[latent]!;
      const dropped = missing === 'drop-position' ? Uint8Array.from(count, (each) => Number(each > 0)) : null;
      return { output, missing: count, dropped };
    },
  };
}

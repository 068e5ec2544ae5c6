import type { Context, LatentActivations } from '../../harness/index.js';

/** Training text with what the coder's latents did on it. */
export interface Evidence {
  readonly contexts: readonly Context[];
  /** One row for each token of each context, in order; `[position, latent]`, sparse. */
  readonly activations: LatentActivations;
}

/** @throws {RangeError} when there are not as many rows as tokens */
export function checkEvidence({ contexts, activations }: Evidence): void {
  const tokens = contexts.reduce((sum, { text }) => sum + text.length, 0);
  if (tokens !== activations.positions) {
    throw new RangeError(`${activations.positions} rows of activations for ${tokens} tokens`);
  }
}

/** The same activations by latent: latent `l` is active at `positions[starts[l] .. starts[l+1])`, which rise. */
export interface ActivationsByLatent {
  readonly starts: Uint32Array;
  readonly positions: Uint32Array;
  readonly values: Float32Array;
}

/** Transposes `[position, latent]` to `[latent, position]`, in time linear in the activations. */
export function byLatent({ positions: rowCount, latents, rows, ids, values }: LatentActivations): ActivationsByLatent {
  const starts = new Uint32Array(latents + 1);
  for (const id of ids) starts[id + 1]!++;
  for (let latent = 0; latent < latents; latent++) starts[latent + 1]! += starts[latent]!;
  const next = starts.slice(0, latents);
  const positions = new Uint32Array(ids.length);
  const transposed = new Float32Array(ids.length);
  for (let row = 0; row < rowCount; row++) {
    for (let i = rows[row]!; i < rows[row + 1]!; i++) {
      const at = next[ids[i]!]!++;
      positions[at] = row;
      transposed[at] = values[i]!;
    }
  }
  return { starts, positions, values: transposed };
}

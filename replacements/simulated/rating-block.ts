import type { MissingReason, RatingBlock } from './simulator.js';

/**
 * Gathers one answer for each asked position and latent into a sparse block.
 * @param latents rising
 * @param rate called once for each pair, row by row; a rating 0-9 or why there is none
 * @throws {RangeError} for a rating outside 0-9 or NaN
 */
export function ratingBlock(
  positions: readonly number[],
  latents: Uint32Array,
  rate: (row: number, latent: number, column: number) => number | MissingReason,
): RatingBlock {
  const rows = new Uint32Array(positions.length + 1);
  const ids: number[] = [];
  const values: number[] = [];
  const missing: { row: number; latent: number; why: MissingReason }[] = [];
  for (let row = 0; row < positions.length; row++) {
    for (let column = 0; column < latents.length; column++) {
      const latent = latents[column]!;
      const rating = rate(row, latent, column);
      if (typeof rating === 'string') missing.push({ row, latent, why: rating });
      else if (!(rating >= 0 && rating <= 9)) throw new RangeError(`latent ${latent} was rated ${rating}, not 0-9`);
      else if (rating > 0) {
        ids.push(latent);
        values.push(rating);
      }
    }
    rows[row + 1] = ids.length;
  }
  return {
    unit: 'rating 0-9',
    positions,
    latents,
    rows,
    ids: Uint32Array.from(ids),
    values: Float32Array.from(values),
    missing,
  };
}

/** The latents of a map, rising: the order in which a block names them. */
export function risingLatents(explanations: ReadonlyMap<number, unknown>): Uint32Array {
  return Uint32Array.from(explanations.keys()).sort();
}

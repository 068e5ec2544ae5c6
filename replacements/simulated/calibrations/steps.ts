import type { Calibrated } from '../calibration.js';

/**
 * The map through (0, 0) and the given points, linear between them and constant beyond the last.
 * @param at rising, all above 0
 * @param to at each point, not falling, not below 0
 */
export function interpolate(at: readonly number[], to: readonly number[]): Calibrated {
  return (value) => {
    if (value <= 0) return 0;
    let low = 0;
    let high = at.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (at[middle]! < value) low = middle + 1;
      else high = middle;
    }
    if (low === at.length) return to.at(-1) ?? value;
    const [x0, y0] = low === 0 ? [0, 0] : [at[low - 1]!, to[low - 1]!];
    return y0 + ((value - x0) / (at[low]! - x0)) * (to[low]! - y0);
  };
}

/** Fewer simulated or true activations than this say too little about a latent's distribution. */
export const LEAST_ACTIVATIONS = 10;

/** How many of the values are above 0. */
export function countAboveZero(values: Float32Array): number {
  let count = 0;
  for (const value of values) if (value > 0) count++;
  return count;
}

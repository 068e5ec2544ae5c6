import type { Calibration } from '../calibration.js';
import { linear } from './linear.js';
import { countAboveZero, interpolate, LEAST_ACTIVATIONS } from './steps.js';

/**
 * Quantile normalisation (arXiv 2501.18838): a -> F_true^-1(F_simulated(a)) with the empirical CDFs over all
 * positions, zeros included, so that the calibrated activations have the distribution of the true ones.
 *
 * The paper leaves these open; here:
 * - **Ties.** A value that is simulated at several positions covers an interval of probability and maps to the mean of
 *   F_true^-1 over it. With few distinct ratings that is the usual case, and it keeps the overall mean.
 * - **Zeros** stay exactly 0, also where the simulator is silent more often than the latent: no rating can tell which of
 *   the silent positions ought to fire. The mass that falls on them is lost.
 * - **Between and beyond** the fitted values: linear from (0, 0) through the values, constant after the last.
 * - **Few data.** With fewer than 10 simulated or 10 true activations: `linear`.
 */
export const quantile: Calibration = {
  id: 'quantile',
  fit(pairs) {
    const { simulated, actual } = pairs;
    if (Math.min(countAboveZero(simulated), countAboveZero(actual)) < LEAST_ACTIVATIONS) return linear.fit(pairs);
    // Positions where both are 0 stand before these in both orders, so leaving them out moves no rank interval.
    const rankedSimulated = Float32Array.from(simulated).sort();
    const rankedActual = Float32Array.from(actual).sort();
    const at: number[] = [];
    const to: number[] = [];
    let start = 0;
    while (start < rankedSimulated.length) {
      const value = rankedSimulated[start]!;
      let end = start;
      let sum = 0;
      while (end < rankedSimulated.length && rankedSimulated[end] === value) sum += rankedActual[end++]!;
      if (value > 0) {
        at.push(value);
        to.push(sum / (end - start));
      }
      start = end;
    }
    return interpolate(at, to);
  },
};

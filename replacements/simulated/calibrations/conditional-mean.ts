import type { Calibration } from '../calibration.js';
import { linear } from './linear.js';
import { countAboveZero, interpolate, LEAST_ACTIVATIONS } from './steps.js';

/** A stretch of simulated values that share one mean. */
interface Block {
  readonly first: number;
  readonly last: number;
  readonly weight: number;
  readonly sum: number;
}

/**
 * The mean true activation given the simulated one, made monotone by isotonic regression (pool adjacent violators):
 * of all rising maps the one with the least squared error. Unlike `quantile` it does not keep the distribution: ratings
 * that say little are drawn towards their mean.
 *
 * Zero stays 0; between values as `quantile`; with fewer than 10 simulated or true activations: `linear`.
 * @see Barlow, Bartholomew, Bremner & Brunk 1972, Statistical Inference under Order Restrictions
 */
export const conditionalMean: Calibration = {
  id: 'conditional-mean',
  fit(pairs) {
    const { simulated, actual } = pairs;
    if (Math.min(countAboveZero(simulated), countAboveZero(actual)) < LEAST_ACTIVATIONS) return linear.fit(pairs);
    const order = Array.from(simulated.keys())
      .filter((i) => simulated[i]! > 0)
      .sort((a, b) => simulated[a]! - simulated[b]!);
    // Equal simulated values are one block whatever their true values are, before any are pooled.
    const distinct: Block[] = [];
    for (const i of order) {
      const value = simulated[i]!;
      const before = distinct.at(-1);
      if (before?.last === value) {
        distinct[distinct.length - 1] = { ...before, weight: before.weight + 1, sum: before.sum + actual[i]! };
      } else distinct.push({ first: value, last: value, weight: 1, sum: actual[i]! });
    }
    const blocks: Block[] = [];
    for (let block of distinct) {
      for (let before = blocks.at(-1); before && before.sum / before.weight >= block.sum / block.weight; ) {
        blocks.pop();
        block = {
          first: before.first,
          last: block.last,
          weight: before.weight + block.weight,
          sum: before.sum + block.sum,
        };
        before = blocks.at(-1);
      }
      blocks.push(block);
    }
    const at: number[] = [];
    const to: number[] = [];
    for (const { first, last, sum, weight } of blocks) {
      for (const end of first === last ? [first] : [first, last]) {
        at.push(end);
        to.push(sum / weight);
      }
    }
    return interpolate(at, to);
  },
};

import { seededRandom } from '../../harness/index.js';

/** One seeded set of bootstrap draws over contexts, shared by every arm of a run so that arms stay paired. */
export interface Resamples {
  readonly contexts: number;
  readonly count: number;
  /** `[draw, context]`: how often the context was drawn; each row sums to `contexts`. */
  readonly weights: Uint16Array;
}

export const DEFAULT_RESAMPLES = 2000;

/**
 * Draws `count` resamples of `contexts` contexts, with replacement.
 *
 * Positions of one context share its text and are not independent, so it is contexts that are drawn.
 * @throws {RangeError} when there are no contexts, more than a 16-bit count can hold, or no draws are asked for
 * @see Efron & Tibshirani 1993, An Introduction to the Bootstrap, chapters 8 and 13
 */
export function drawResamples(contexts: number, seed: string | number, count = DEFAULT_RESAMPLES): Resamples {
  if (!Number.isInteger(contexts) || contexts < 1 || contexts > 65_535) {
    throw new RangeError(`cannot resample ${contexts} contexts: 1 to 65535 are possible`);
  }
  if (!Number.isInteger(count) || count < 1) throw new RangeError(`cannot draw ${count} resamples`);
  const random = seededRandom(`${seed}/bootstrap`);
  const weights = new Uint16Array(count * contexts);
  for (let draw = 0; draw < count; draw++) {
    const row = draw * contexts;
    for (let i = 0; i < contexts; i++) weights[row + random.integer(contexts)]! += 1;
  }
  return { contexts, count, weights };
}

/** A ratio of two sums over contexts: what it is, and what it became in each draw. */
export interface Ratio {
  readonly value: number;
  /** One a draw. Draws whose denominator is not above 0 are `NaN` here and never leave this folder. */
  readonly draws: Float64Array;
}

/**
 * (sum of `numerator`) / (sum of `denominator`), on all contexts and in every draw.
 *
 * With counts below, this is a mean over positions in which long contexts weigh more, as they should.
 * @param numerator one sum a context
 * @param denominator one sum a context; its total must be above 0
 */
export function resampleRatio(resamples: Resamples, numerator: Float64Array, denominator: Float64Array): Ratio {
  const { contexts, count, weights } = resamples;
  if (numerator.length !== contexts || denominator.length !== contexts) {
    throw new RangeError(`${numerator.length} and ${denominator.length} sums were given for ${contexts} contexts`);
  }
  let above = 0;
  let below = 0;
  for (let c = 0; c < contexts; c++) {
    above += numerator[c]!;
    below += denominator[c]!;
  }
  const draws = new Float64Array(count);
  for (let draw = 0, w = 0; draw < count; draw++) {
    let top = 0;
    let bottom = 0;
    for (let c = 0; c < contexts; c++, w++) {
      const weight = weights[w]!;
      top += weight * numerator[c]!;
      bottom += weight * denominator[c]!;
    }
    draws[draw] = bottom > 0 ? top / bottom : Number.NaN;
  }
  return { value: above / below, draws };
}

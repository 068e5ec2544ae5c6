import { quantileSeq, std } from 'mathjs/number';
import type { Measure, Share } from '../summary.js';
import type { Ratio } from './resamples.js';

/** Tail left out on each side of a 95 % percentile interval. */
const TAIL = 0.025;

/** At least this share of the draws must give a number before an interval is stated. */
const USABLE = 0.95;

const usable = (draws: Float64Array): number[] => Array.from(draws).filter(Number.isFinite);

function interval(draws: readonly number[]): [number, number] {
  const sorted = [...draws].sort((a, b) => a - b);
  const at = (probability: number): number => Number(quantileSeq(sorted, probability, true));
  return [at(TAIL), at(1 - TAIL)];
}

/** Mean, standard error and 95 % percentile interval of a ratio over contexts; `null` with a reason where too few draws had one. */
export function estimate({ value, draws }: Ratio): Measure {
  const finite = usable(draws);
  if (!Number.isFinite(value) || finite.length < USABLE * draws.length || finite.length < 2) {
    return { mean: null, why: 'too few contexts have positions that count' };
  }
  return { mean: value, se: Number(std(finite)), ci: interval(finite) };
}

/** The same for a share of a gap, whose denominator can fail to be above 0 in some draws or in all. */
export function share({ value, draws }: Ratio, gap: number): Share {
  if (!(gap > 0)) return { mean: null, why: 'the gap between zero-output and coder is not above 0' };
  const finite = usable(draws);
  if (!Number.isFinite(value) || finite.length < USABLE * draws.length) {
    return { mean: null, why: 'the gap between zero-output and coder is not above 0 in many resamples' };
  }
  return { mean: value, ci: interval(finite) };
}

/**
 * Two-sided bootstrap p-value of "the difference is 0": twice the smaller share of draws on one side of 0, at most 1.
 * One is added to both counts, so it is never 0 and never below 1 / (draws + 1).
 * @see Davison & Hinkley 1997, Bootstrap Methods and their Application, section 4.2
 */
export function twoSidedP(draws: Float64Array): number {
  return Math.min(1, 2 * Math.min(exceeding(draws, 0, 1), exceeding(draws, 0, -1)));
}

/**
 * Two one-sided tests: p-value of "the difference is at least `margin` away from 0". Small means: no different, within
 * the margin. Not rejecting "the difference is 0" would not show that.
 * @see Schuirmann 1987, https://doi.org/10.1007/BF01068419
 */
export function equivalenceP(draws: Float64Array, margin: number): number {
  if (!(margin > 0)) throw new RangeError(`an equivalence margin must be above 0, not ${margin}`);
  return Math.max(exceeding(draws, margin, 1), exceeding(draws, -margin, -1));
}

/** Share of draws at or beyond `bound` in the direction of `sign`, one added to both counts. */
function exceeding(draws: Float64Array, bound: number, sign: 1 | -1): number {
  let beyond = 0;
  for (const draw of draws) if (!(sign * (draw - bound) < 0)) beyond++;
  return (beyond + 1) / (draws.length + 1);
}

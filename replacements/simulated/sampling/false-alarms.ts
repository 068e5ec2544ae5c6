import type { Random } from '../../../harness/index.js';
import { type Dispersion, dispersion } from './dispersion.js';
import { gamma } from './random-draws.js';

/** What was answered at one position about latents that are truly silent there. A missing rating is not here. */
export interface AnsweredSilence {
  /** Rising. */
  readonly latents: Uint32Array;
  readonly strata: Uint8Array;
  /** How many pairs each stands for. */
  readonly weights: Float32Array;
  /** 0-9; from {@link ALARM} on it is a false alarm. */
  readonly ratings: Float32Array;
}

/**
 * Ratings from here on are false alarms where a latent is silent. An expected rating is never quite 0, however sure of
 * silence its reader is; what is below rounds to it, and is imputed as 0.
 */
export const ALARM = 0.25;

/**
 * How often a simulator gives silent latents a rating that is one. The expected number of false alarms of latent `l`, in
 * stratum `h`, at position `p` is rate(h) x tendency(l) x burst(p): tendencies and bursts are gamma with mean 1, spread as
 * widely as the answers show. A latent with many answers keeps its own rate, one with few that of its stratum.
 */
export interface FalseAlarms {
  /** `[stratum]` share of silent pairs with a false alarm. */
  readonly rates: Float64Array;
  /** The same over all strata, as they are in the whole. */
  readonly overall: number;
  /** `[stratum]` answered pairs, as many as a simple random sample would need for the same precision. */
  readonly answered: Float64Array;
  /** How widely latents' tendencies, and positions' bursts, are spread. */
  readonly tendency: Dispersion;
  readonly burst: Dispersion;
  /** `[latent, stratum]` answers, row-major, and `[latent]` false alarms among them. */
  readonly asked: Uint32Array;
  readonly alarms: Uint32Array;
  /** Mean of each latent's tendency, given its answers. */
  readonly tendencies: Float64Array;
}

/**
 * @param rows answers, one entry a position
 * @param latents width of the coder
 * @param strata number of strata
 */
export function fitFalseAlarms(rows: readonly AnsweredSilence[], latents: number, strata: number): FalseAlarms {
  const weight = new Float64Array(strata);
  const squares = new Float64Array(strata);
  const weighted = new Float64Array(strata);
  const asked = new Uint32Array(latents * strata);
  const alarms = new Uint32Array(latents);
  for (const { latents: ids, strata: of, weights, ratings } of rows) {
    for (let i = 0; i < ids.length; i++) {
      const h = of[i]!;
      const each = weights[i]!;
      const alarm = Number(ratings[i]! >= ALARM);
      weight[h]! += each;
      squares[h]! += each * each;
      weighted[h]! += each * alarm;
      asked[ids[i]! * strata + h]! += 1;
      alarms[ids[i]!]! += alarm;
    }
  }
  const answered = weight.map((w, h) => (w > 0 ? (w * w) / squares[h]! : 0));
  const overall = sum(weighted) / Math.max(1, sum(weight));
  // Half a false alarm at the overall rate stands for what is known of a stratum before it is asked.
  const rates = weight.map((w, h) => {
    const n = answered[h]!;
    return overall === 0 ? 0 : ((w > 0 ? (weighted[h]! / w) * n : 0) + 0.5) / (n + 0.5 / overall);
  });
  const expected = expectedOf(asked, rates, latents);
  const tendency = dispersion(alarms, expected);
  const tendencies = Float64Array.from(
    alarms,
    (count, l) => (tendency.shape + count) / (tendency.shape + expected[l]!),
  );
  const atPositions = rows.map((row) => alarmsAt(row, rates, tendencies));
  const burst = dispersion(
    atPositions.map(({ count }) => count),
    atPositions.map((each) => each.expected),
  );
  return { rates, overall, answered, tendency, burst, asked, alarms, tendencies };
}

/** Expected false alarms of each latent at its stratum's rate. */
function expectedOf(asked: Uint32Array, rates: Float64Array, latents: number): Float64Array {
  const strata = rates.length;
  return Float64Array.from({ length: latents }, (_, l) => rates.reduce((e, r, h) => e + r * asked[l * strata + h]!, 0));
}

/** False alarms among the answers of one position, and how many were to be expected. */
export function alarmsAt(
  { latents, strata, ratings }: AnsweredSilence,
  rates: Float64Array,
  tendencies: Float64Array,
): { readonly count: number; readonly expected: number } {
  let count = 0;
  let expected = 0;
  for (let i = 0; i < latents.length; i++) {
    count += Number(ratings[i]! >= ALARM);
    expected += rates[strata[i]!]! * tendencies[latents[i]!]!;
  }
  return { count, expected };
}

/** One set of rates that the answers are likely to come from. */
export interface DrawnRates {
  /** `[stratum]` */
  readonly rates: Float64Array;
  /** `[latent]` */
  readonly tendencies: Float64Array;
  /** Shape of the gamma that bursts come from. */
  readonly burst: number;
}

/**
 * Draws rates and tendencies from what the answers leave open. Imputations that all used the best estimate would agree
 * too well with each other.
 * @see Rubin 1987, Multiple Imputation for Nonresponse in Surveys, section 4.4
 */
export function drawRates(random: Random, model: FalseAlarms): DrawnRates {
  const { answered, tendency, asked, alarms } = model;
  const rates = model.rates.map((rate, h) =>
    rate > 0 ? gamma(random, rate * answered[h]! + 0.5, answered[h]! + 0.5 / rate) : 0,
  );
  const expected = expectedOf(asked, rates, alarms.length);
  const shape = tendency.draw(random);
  const tendencies = Float64Array.from(alarms, (count, l) => gamma(random, shape + count, shape + expected[l]!));
  return { rates, tendencies, burst: model.burst.draw(random) };
}

const sum = (values: Float64Array): number => values.reduce((a, b) => a + b, 0);

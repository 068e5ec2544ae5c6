import type { Random } from '../../../harness/index.js';
import { ALARM, type AnsweredSilence } from './false-alarms.js';

/** How high false alarms are rated. */
export interface AlarmRatings {
  /** One rating of a false alarm, from the latent's own false alarms or, the fewer those are, from its stratum's. */
  draw(random: Random, latent: number, stratum: number): number;
  /** Mean square of such a rating: what it adds to an error, up to the latent's scale. */
  meanSquare(latent: number, stratum: number): number;
  /** Whether there is anything to draw from. */
  readonly known: boolean;
  /**
   * The same as they may as well have come: each list drawn anew from itself. Imputations that all drew from the very same
   * ratings would agree too well with each other.
   * @see Rubin & Schenker 1986 on the approximate Bayesian bootstrap, https://doi.org/10.1080/01621459.1986.10478280
   */
  redrawn(random: Random): AlarmRatings;
}

/** As many false alarms of a latent's own as weigh like all others of its stratum together. */
const OTHERS = 2;
/** A stratum with fewer false alarms takes those of all strata. */
const ENOUGH = 5;

/**
 * @param rows answers about silent latents, one entry a position
 * @param hits ratings above 0 of latents that truly fire: drawn from where no false alarm was seen at all
 */
export function alarmRatings(rows: readonly AnsweredSilence[], hits: readonly number[], strata: number): AlarmRatings {
  const own = new Map<number, number[]>();
  const of: number[][] = Array.from({ length: strata }, () => []);
  for (const { latents, strata: h, ratings } of rows) {
    for (let i = 0; i < latents.length; i++) {
      if (ratings[i]! < ALARM) continue;
      of[h[i]!]!.push(ratings[i]!);
      const known = own.get(latents[i]!);
      if (known) known.push(ratings[i]!);
      else own.set(latents[i]!, [ratings[i]!]);
    }
  }
  const all = of.flat();
  const fallback = all.length > 0 ? all : hits;
  return fromLists(
    own,
    of.map((ratings) => (ratings.length >= ENOUGH ? ratings : fallback)),
  );
}

const NONE: readonly number[] = [];

function fromLists(own: ReadonlyMap<number, readonly number[]>, others: readonly (readonly number[])[]): AlarmRatings {
  const squares = others.map(meanSquareOf);
  return {
    known: others.every(({ length }) => length > 0),
    draw(random, latent, stratum) {
      const mine = own.get(latent) ?? NONE;
      const fromOwn = random.next() * (mine.length + OTHERS) < mine.length;
      return random.pick(fromOwn ? mine : others[stratum]!);
    },
    meanSquare(latent, stratum) {
      const mine = own.get(latent) ?? NONE;
      return (mine.length * meanSquareOf(mine) + OTHERS * squares[stratum]!) / (mine.length + OTHERS);
    },
    redrawn(random) {
      const anew = (ratings: readonly number[]): number[] => ratings.map(() => random.pick(ratings));
      return fromLists(new Map(Array.from(own, ([latent, ratings]) => [latent, anew(ratings)])), others.map(anew));
    },
  };
}

function meanSquareOf(ratings: readonly number[]): number {
  return ratings.length === 0 ? 0 : ratings.reduce((sum, rating) => sum + rating * rating, 0) / ratings.length;
}

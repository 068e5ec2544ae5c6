/** One latent's error, and what tells how large an error is no surprise. */
export interface LatentError {
  readonly latent: number;
  /** Share of its squared activation that its explanation leaves unexplained, 0-1. */
  readonly unexplained: number;
  /** The same of a table of the last tokens, which no explanation made: how hard the latent is. */
  readonly unexplainedByTokens: number;
  /** How often it fires, above 0. */
  readonly firings: number;
}

export interface Suspicion extends LatentError {
  /** The median of what is left unexplained of the latents most like it. */
  readonly expected: number;
  /** How far above the expected its error lies, in robust standard deviations of the log odds. */
  readonly deviations: number;
}

/** Latents that one is compared with. */
export const ALIKE = 50;
/** Deviations from which on an explanation is a suspect. */
export const SUSPECT = 3;
/** Latents that must be there: twice as many as each is compared with, so that not all are compared with all. */
export const LEAST_LATENTS = 2 * ALIKE;

/** So that 0 and 1, which a finite text can show, have log odds. */
const EDGE = 0.002;
const logOdds = (share: number): number => {
  const inside = Math.min(1 - EDGE, Math.max(EDGE, share));
  return Math.log(inside / (1 - inside));
};
const share = (odds: number): number => 1 / (1 + Math.exp(-odds));

/** Of at least one value. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** In units of their standard deviation; as they are where they do not differ. */
function standardised(values: readonly number[]): number[] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  return values.map((value) => (value - mean) / (deviation > 0 ? deviation : 1));
}

/** Of each latent, the places of those most like it. */
export type Alike = readonly (readonly number[])[];

/**
 * The latents most like each: those that fire about as often, and of which a table of the last tokens leaves about as much
 * unexplained. Nothing of explanations is looked at.
 * @throws {RangeError} for fewer than `LEAST_LATENTS` latents
 */
export function findAlike(latents: readonly Pick<LatentError, 'unexplainedByTokens' | 'firings'>[]): Alike {
  if (latents.length < LEAST_LATENTS) throw new RangeError(`${latents.length} latents are too few to compare`);
  const hardness = standardised(latents.map(({ unexplainedByTokens }) => logOdds(unexplainedByTokens)));
  const rates = standardised(latents.map(({ firings }) => Math.log(firings)));
  return latents.map((_, at) => {
    const far = hardness.map((hard, other) => Math.hypot(hard - hardness[at]!, rates[other]! - rates[at]!));
    const others = [...far.keys()].filter((other) => other !== at);
    return others.sort((a, b) => far[a]! - far[b]! || a - b).slice(0, ALIKE);
  });
}

/**
 * How much worse each latent is explained than the latents most like it. Takes for granted that most of these are explained
 * soundly.
 * @param alike of the same latents in the same order
 */
export function suspicions(errors: readonly LatentError[], alike: Alike): Suspicion[] {
  const odds = errors.map(({ unexplained }) => logOdds(unexplained));
  const expected = alike.map((others) => median(others.map((other) => odds[other]!)));
  const excess = odds.map((value, at) => value - expected[at]!);
  const centre = median(excess);
  // The factor makes the median absolute deviation of a normal its standard deviation.
  const spread = 1.4826 * median(excess.map((value) => Math.abs(value - centre)));
  return errors.map((error, at) => ({
    ...error,
    expected: share(expected[at]!),
    deviations: spread > 0 ? excess[at]! / spread : 0,
  }));
}

import { type LatentActivations, type Site, settleAll } from '../../../harness/index.js';
import type { Truth } from '../../truth.js';
import type { RatingBlock, Reader } from '../simulator.js';
import { type AlarmRatings, alarmRatings } from './alarm-ratings.js';
import type { Closeness } from './closeness.js';
import { type AnsweredSilence, type FalseAlarms, fitFalseAlarms } from './false-alarms.js';
import type { PartlyAsked } from './impute.js';
import { answeredOf, joined, rowOf } from './partial-block.js';
import type { Sample } from './sample.js';
import { type SilentRow, type Strata, strataAt } from './strata.js';

/** What was asked at one site, and what was answered: kept until imputation. */
export interface SiteAnswers {
  readonly block: RatingBlock;
  /** One entry a row: the latents that fired when it was asked, all of which were asked. Rising. */
  readonly firing: readonly Uint32Array[];
  /** One entry a row: the silent latents that were asked. */
  readonly samples: readonly Sample[];
}

/** By site: the same context asked at the same positions. */
export type AllAnswers = Map<string, SiteAnswers>;

export const keyOf = ({ context, positions }: Site): string => `${context.id}:${positions.join()}`;

/** Latents asked in one row, rising. */
export const askedAt = ({ firing, samples }: Pick<SiteAnswers, 'firing' | 'samples'>, row: number): Uint32Array =>
  Uint32Array.from([...firing[row]!, ...samples[row]!.latents]).sort();

/**
 * Sites asked at once, and positions, of which a site may have one or hundreds: enough that whoever answers meets the same
 * explanation several times, and can read it once.
 */
const AT_ONCE = { sites: 8, positions: 512 } as const;

export async function forEachSite<Asked extends Pick<Site, 'positions'>>(
  sites: AsyncIterable<Asked>,
  each: (site: Asked) => Promise<void>,
): Promise<void> {
  let batch: Promise<void>[] = [];
  let positions = 0;
  for await (const site of sites) {
    batch.push(each(site));
    positions += site.positions.length;
    if (batch.length < AT_ONCE.sites || positions < AT_ONCE.positions) continue;
    await settleAll(batch);
    batch = [];
    positions = 0;
  }
  await settleAll(batch);
}

/** What tells silent latents apart. */
export interface SilenceBasis {
  readonly truth: Truth;
  readonly strata: Strata;
  readonly closeness: Pick<Closeness, 'to'>;
  /** Latents that have an explanation, rising. */
  readonly population: Uint32Array;
}

/**
 * The firing and the silent latents of each row.
 * @param known where the site was asked about already, what fired then still counts as firing: the last bit of an
 * activation may differ between two passes of the model, and no pair may be both answered and imputed
 */
export async function silentRows(
  { truth, strata, closeness, population }: SilenceBasis,
  site: Site,
  signal: AbortSignal,
  known?: SiteAnswers,
): Promise<readonly SilentRow[]> {
  const explained = new Set(population);
  const actual: LatentActivations = await truth(site, signal);
  const rows: SilentRow[] = [];
  for (let row = 0; row < actual.positions; row++) {
    const all = actual.ids.subarray(actual.rows[row], actual.rows[row + 1]);
    const firing = known?.firing[row] ?? all.filter((latent) => explained.has(latent));
    const fires = new Set(firing);
    const silent = population.filter((latent) => !fires.has(latent));
    rows.push({ firing, silent, strata: strataAt(strata, silent, await closeness.to(actual, row)) });
  }
  return rows;
}

/** Asks what was not asked before, and puts the answers beside those that are there. */
export async function ask(
  reader: Reader,
  site: Site,
  silent: readonly SilentRow[],
  samples: readonly Sample[],
  before: SiteAnswers | undefined,
  truth: Truth,
  signal: AbortSignal,
): Promise<SiteAnswers> {
  const now = { firing: silent.map(({ firing }) => firing), samples };
  const wanted = samples.map((_, row) => {
    const all = askedAt(now, row);
    if (before === undefined) return all;
    const had = new Set(askedAt(before, row));
    return all.filter((latent) => !had.has(latent));
  });
  const { context, positions } = site;
  const question = { context, positions, truth: () => truth(site, signal), asked: (row: number) => wanted[row]! };
  const block = await reader.rate(question, signal);
  return { ...now, block: before === undefined ? block : joined(before.block, block) };
}

/** What all answers together say of the simulator. */
export interface Learnt {
  readonly model: FalseAlarms;
  readonly ratings: AlarmRatings;
}

export function learn(known: AllAnswers, latents: number, strata: number): Learnt {
  const silences: AnsweredSilence[] = [];
  const hits: number[] = [];
  // In the order of contexts' ids: sites may be asked in any.
  for (const key of [...known.keys()].sort()) {
    const { block, samples } = known.get(key)!;
    for (const [row, sample] of samples.entries()) {
      silences.push(answeredOf(block, row, sample));
      const silent = new Set(sample.latents);
      const { ids, ratings } = rowOf(block, row);
      for (let i = 0; i < ids.length; i++) if (!silent.has(ids[i]!)) hits.push(ratings[i]!);
    }
  }
  return { model: fitFalseAlarms(silences, latents, strata), ratings: alarmRatings(silences, hits, strata) };
}

export function partlyAsked({ silent, strata }: SilentRow, { block, samples }: SiteAnswers, row: number): PartlyAsked {
  const sample = samples[row]!;
  return { silent, strata, asked: sample.latents, answered: answeredOf(block, row, sample) };
}

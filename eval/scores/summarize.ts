import { type Explanation, explanationText } from '../../explanations/index.js';
import { activates, type ScoredExample } from '../../replacements/index.js';
import type { MetricCheck, ScoreGroup, ScoreRow, Shown } from '../result/scores.js';
import { estimate } from '../statistics/estimate.js';
import { drawResamples, resampleRatio } from '../statistics/resamples.js';
import type { Measure } from '../summary.js';
import { type Metric, metrics, selfCheck, type Tells, type Value } from './metrics/index.js';
import type { Score, ScoreResult } from './score.js';

/** A latent's score, and what was scored. */
export interface LatentScore {
  readonly hookpoint: string;
  readonly latent: number;
  /** Who explains it, such as an entry of an experiment; `null` where no explanation is shown. */
  readonly entry: string | null;
  readonly shown: Shown;
  readonly explanation: Explanation | null;
  readonly result: ScoreResult;
}

/** How means over latents get their intervals. */
export interface Bootstrap {
  readonly seed: string | number;
  readonly resamples: number;
}

const NO_LATENTS: Measure = { mean: null, why: 'fewer than two latents have a value' };

/** Mean over latents with its interval by bootstrap over them. */
function meanOver(values: readonly number[], { seed, resamples }: Bootstrap): Measure {
  if (values.length < 2) return NO_LATENTS;
  const draws = drawResamples(values.length, `${seed}/latents`, resamples);
  return estimate(resampleRatio(draws, Float64Array.from(values), new Float64Array(values.length).fill(1)));
}

const numberOf = (value: Value | undefined): number | null => (value?.status === 'measured' ? value.value : null);

function tally(into: Record<string, number>, name: string, by = 1): void {
  into[name] = (into[name] ?? 0) + by;
}

/** What several latents' counts come to. */
function counts(all: readonly ScoreResult[]): Pick<ScoreGroup, 'undefined' | 'asked' | 'missing' | 'unusable'> {
  const [without, missing]: [Record<string, number>, Record<string, number>] = [{}, {}];
  for (const { value, missing: own } of all) {
    if (value.status === 'undefined') tally(without, value.why);
    for (const [why, times] of Object.entries(own)) tally(missing, why, times);
  }
  const sum = (name: 'asked' | 'unusable') => all.reduce((total, each) => total + each[name], 0);
  return { undefined: without, asked: sum('asked'), missing, unusable: sum('unusable') };
}

function detailsOf(all: readonly ScoreResult[]): ScoreGroup['details'] {
  const details: Record<string, { sum: number; latents: number }> = {};
  for (const result of all) {
    for (const [name, value] of Object.entries(result.details)) {
      const number = numberOf(value);
      if (number === null) continue;
      const { sum, latents } = details[name] ?? { sum: 0, latents: 0 };
      details[name] = { sum: sum + number, latents: latents + 1 };
    }
  }
  return Object.fromEntries(
    Object.entries(details).map(([name, { sum, latents }]) => [name, { mean: sum / latents, latents }]),
  );
}

const bound = (limit: number): number | null => (Number.isFinite(limit) ? limit : null);

const groupOf = ({ hookpoint, entry, result: { score, judge } }: LatentScore): string =>
  JSON.stringify([hookpoint, entry, score, judge]);

/** Differences own - control, of the latents that have both. */
function paired(own: readonly LatentScore[], control: readonly LatentScore[]): number[] {
  const of = new Map(control.map(({ latent, result }) => [latent, numberOf(result.value)]));
  return own.flatMap(({ latent, result }) => {
    const [one, other] = [numberOf(result.value), of.get(latent) ?? null];
    return one === null || other === null ? [] : [one - other];
  });
}

/**
 * Scores of many latents, each group's as one: what `scores.json` states of them.
 * @param kinds the scores that were measured, for what they measure, their range and chance
 */
export function summarizeScores(
  scored: readonly LatentScore[],
  kinds: readonly Pick<Score, 'id' | 'version' | 'measures' | 'range' | 'chance'>[],
  bootstrap: Bootstrap,
): ScoreGroup[] {
  const groups = new Map<string, LatentScore[]>();
  for (const each of scored) {
    const group = groups.get(groupOf(each));
    if (group === undefined) groups.set(groupOf(each), [each]);
    else group.push(each);
  }
  return [...groups.values()].flatMap((all) =>
    (['own', 'shuffled', 'none'] as const).flatMap((shown): ScoreGroup[] => {
      const here = all.filter((each) => each.shown === shown);
      const [first] = here;
      if (first === undefined) return [];
      const results = here.map(({ result }) => result);
      const kind = kinds.find(({ id }) => id === first.result.score)!;
      const control = all.filter((each) => each.shown === 'shuffled');
      const against = shown === 'own' && control.length > 0 ? paired(here, control) : null;
      return [
        {
          hookpoint: first.hookpoint,
          entry: first.entry,
          shown,
          score: kind.id,
          version: kind.version,
          judge: first.result.judge,
          measures: kind.measures,
          chance: kind.chance,
          range: [bound(kind.range[0]), bound(kind.range[1])],
          latents: here.length,
          ...counts(results),
          mean: meanOver(
            results.flatMap(({ value }) => numberOf(value) ?? []),
            bootstrap,
          ),
          aboveShuffled: against && meanOver(against, bootstrap),
          details: detailsOf(results),
        },
      ];
    }),
  );
}

/** The rows of `scores.parquet`. */
export function scoreRow({ hookpoint, latent, entry, shown, explanation, result }: LatentScore): ScoreRow {
  const { score, version, judge, value, details, asked, missing, unusable } = result;
  const of = (metric: Metric): number | null => numberOf(details[metric.id]);
  return {
    hookpoint,
    latent,
    entry,
    style: explanation?.style ?? null,
    shown,
    score,
    version,
    judge,
    value: numberOf(value),
    why: value.status === 'undefined' ? value.why : null,
    asked,
    missing: Object.values(missing).reduce((sum, times) => sum + times, 0),
    unusable,
    precision: of(metrics.precision),
    recall: of(metrics.recall),
    specificity: of(metrics.specificity),
    f1: of(metrics.f1),
    iou: of(metrics.iou),
    cosine: of(metrics.cosine),
    auroc: of(metrics.auroc),
    auprc: of(metrics.auprc),
    explanation: explanation && explanationText(explanation),
  };
}

const notices = (tells: Tells): boolean => tells.status === 'measured' && tells.tells;

/**
 * Which metrics can tell on the tokens of these examples: of how many latents each notices that labels are missing, and
 * that there are too many.
 * @param examples those of each latent; latents without an activating one are passed over
 */
export function checkMetrics(
  hookpoint: string,
  examples: readonly (readonly ScoredExample[])[],
  seed: string | number,
): MetricCheck[] {
  const usable = examples.filter((each) => each.some(activates));
  const tokens = usable.map((each) => Float32Array.from(each.flatMap(({ activations }) => [...activations])));
  return Object.values(metrics).map((metric) => {
    const checks = tokens.map((actual) => selfCheck(metric, { actual, predicted: actual, firesAbove: 0 }, { seed }));
    return {
      hookpoint,
      metric: metric.id,
      version: metric.version,
      latents: checks.length,
      noticesMissingLabels: checks.filter(({ missingLabels }) => notices(missingLabels)).length,
      noticesExtraLabels: checks.filter(({ extraLabels }) => notices(extraLabels)).length,
    };
  });
}

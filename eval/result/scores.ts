import { join } from 'node:path';
import { z } from 'zod';
import { measureSchema } from '../summary.js';
import { writeWholeFolder } from './files.js';
import { readJson } from './folder.js';
import { readTable, tableBytes } from './table.js';

const count = z.number().int().nonnegative();
const optional = z.number().nullable();

/** Whose explanations a judge was shown: a latent's own, as a control another's, or none. */
const shownSchema = z.enum(['own', 'shuffled', 'none']);
export type Shown = z.infer<typeof shownSchema>;

/** One score by one judge over the latents of one hookpoint. */
const scoreGroupSchema = z.strictObject({
  hookpoint: z.string(),
  /** Entry of `simulated` that is scored; `null` for scores without explanations. */
  entry: z.string().nullable(),
  shown: shownSchema,
  score: z.string(),
  /** Numbers of different versions must not be compared. */
  version: count,
  judge: z.string(),
  /** What kind of number the values are, or their unit: `AUROC`, `nats`. Older files do not say. */
  measures: z.string().optional(),
  /** What a score has that says nothing. */
  chance: z.number(),
  /** Least and largest value; `null` where it has no bound. */
  range: z.tuple([optional, optional]),
  latents: count,
  /** Latents without a value, by why. */
  undefined: z.record(z.string(), count),
  /** Questions put over all latents; of those, the ones whose answer was missing as a whole or in part, by why. */
  asked: count,
  missing: z.record(z.string(), count),
  /** Examples that no question could be made of. */
  unusable: count,
  /** Mean over the latents that have a value; its interval is of a bootstrap over these. */
  mean: measureSchema,
  /** Own - shuffled over the latents that have both; `null` but where explanations are a latent's own and there is a control. */
  aboveShuffled: measureSchema.nullable(),
  /** Means of further numbers of the same answers, over the latents that have them. */
  details: z.record(z.string(), z.strictObject({ mean: z.number(), latents: count })),
});
export type ScoreGroup = z.infer<typeof scoreGroupSchema>;

/** Whether a metric can tell on these very examples, had it perfect labels. */
const metricCheckSchema = z.strictObject({
  hookpoint: z.string(),
  metric: z.string(),
  version: count,
  /** Latents that were tried. */
  latents: count,
  /** Of those, the ones for which it fell when half of the labels were removed, and when as many were added. */
  noticesMissingLabels: count,
  noticesExtraLabels: count,
});
export type MetricCheck = z.infer<typeof metricCheckSchema>;

const hookpointSchema = z.strictObject({
  hookpoint: z.string(),
  /** Content hash of the coder. */
  coder: z.string(),
  /** Latents that there are, that every entry explains, that fire in the text too, and that are scored. */
  latents: z.strictObject({ all: count, explained: count, firing: count, scored: count }),
  /** Examples over all scored latents; `wanted` of each kind, `drawn` where the text had them. */
  examples: z.strictObject({
    firing: z.strictObject({ wanted: count, drawn: count }),
    silent: z.strictObject({ wanted: count, drawn: count }),
  }),
});
export type ScoredHookpoint = z.infer<typeof hookpointSchema>;

/** `scores.json`: how good explanations are by themselves, one latent at a time. */
export const scoresSchema = z.strictObject({
  schema: z.literal('partial-rewrite/scores@1'),
  model: z.string(),
  seed: z.union([z.string(), z.number()]),
  /** True where the budget ended it before every latent was scored. */
  partial: z.boolean(),
  /** Which text of the experiment the examples are from. */
  text: z.strictObject({ part: z.enum(['calibration', 'evaluation']), contexts: count, tokens: count }),
  /** Tokens of an example. */
  window: count,
  hookpoints: z.array(hookpointSchema),
  scores: z.array(scoreGroupSchema),
  metricChecks: z.array(metricCheckSchema),
});
export type Scores = z.infer<typeof scoresSchema>;

const TABLE = 'partial-rewrite/latent-scores@1';

/** A row of `scores.parquet`: one latent, one score, one judge. `null`: could not be had, or does not apply. */
export const scoreRowSchema = z.strictObject({
  hookpoint: z.string(),
  latent: count,
  entry: z.string().nullable(),
  style: z.string().nullable(),
  shown: shownSchema,
  score: z.string(),
  version: count,
  judge: z.string(),
  value: optional,
  /** Why there is no value. */
  why: z.string().nullable(),
  asked: count,
  missing: count,
  unusable: count,
  precision: optional,
  recall: optional,
  specificity: optional,
  f1: optional,
  iou: optional,
  cosine: optional,
  auroc: optional,
  auprc: optional,
  /** What was shown, as it reads. */
  explanation: z.string().nullable(),
});
export type ScoreRow = z.infer<typeof scoreRowSchema>;

const METRIC_COLUMNS = [
  'precision',
  'recall',
  'specificity',
  'f1',
  'iou',
  'cosine',
  'auroc',
  'auprc',
] as const satisfies readonly (keyof ScoreRow)[];

/** The bytes of `scores.parquet`, rows in the order given. */
export function scoreRowsBytes(rows: readonly ScoreRow[]): Uint8Array {
  type Text = 'hookpoint' | 'entry' | 'style' | 'shown' | 'score' | 'judge' | 'why' | 'explanation';
  const text = (name: Text, nullable = false) => ({
    name,
    type: 'STRING' as const,
    nullable,
    data: rows.map((row) => row[name]),
  });
  const whole = (name: 'latent' | 'version' | 'asked' | 'missing' | 'unusable') => ({
    name,
    type: 'INT32' as const,
    nullable: false,
    data: rows.map((row) => row[name]),
  });
  const number = (name: 'value' | (typeof METRIC_COLUMNS)[number]) => ({
    name,
    type: 'DOUBLE' as const,
    data: rows.map((row) => row[name]),
  });
  return tableBytes(TABLE, [
    text('hookpoint'),
    whole('latent'),
    text('entry', true),
    text('style', true),
    text('shown'),
    text('score'),
    whole('version'),
    text('judge'),
    number('value'),
    text('why', true),
    ...(['asked', 'missing', 'unusable'] as const).map(whole),
    ...METRIC_COLUMNS.map(number),
    text('explanation', true),
  ]);
}

/**
 * Writes `scores.parquet` and `scores.json` into a folder, beside what a run may have left there. One with a `scores.json` has both.
 * @throws {z.ZodError} when a part does not fit its schema: nothing is then written
 */
export async function writeScores(folder: string, scores: Scores, rows: readonly ScoreRow[]): Promise<void> {
  await writeWholeFolder(folder, [
    ['scores.parquet', scoreRowsBytes(scoreRowSchema.array().parse(rows))],
    ['scores.json', `${JSON.stringify(scoresSchema.parse(scores), null, 2)}\n`],
  ]);
}

/** @throws {UsageError} NOT_A_RESULT, RESULT_UNREADABLE or RESULT_SCHEMA */
export function readScores(folder: string): Promise<Scores> {
  return readJson(folder, 'scores.json', scoresSchema);
}

/** @throws {UsageError} see {@link readTable} */
export function readScoreRows(folder: string): Promise<ScoreRow[]> {
  return readTable(join(folder, 'scores.parquet'), TABLE, scoreRowSchema);
}

import { join } from 'node:path';
import { z } from 'zod';
import { readTable, tableBytes } from './table.js';

const SCHEMA = 'partial-rewrite/latents@3';
/** Without `entry`, `positions`, `error` and `errorOfSilence`. */
const BEFORE = ['partial-rewrite/latents@2'];

const optional = z.number().nullable();

/** A row of `latents.parquet`: one latent of one hookpoint's coder in one entry of `simulated` and calibration. `null`: could not be had. */
export const latentRowSchema = z.strictObject({
  /** Name of the entry; `null` in results of before. */
  entry: z.string().nullable().default(null),
  hookpoint: z.string(),
  latent: z.number().int().nonnegative(),
  style: z.string(),
  simulator: z.string(),
  calibration: z.string(),
  /** Positions whose rating was had: all that follows is over these. */
  positions: z.number().int().nonnegative().nullable().default(null),
  precision: optional,
  recall: optional,
  specificity: optional,
  f1: optional,
  /** Pearson, true against simulated activation, over all positions. */
  correlation: optional,
  /** The same over the positions where it truly fires. */
  correlationWhenFiring: optional,
  trueFiringRate: optional,
  simulatedFiringRate: optional,
  /** Euclidean norm of the latent's decoder row. */
  decoderNorm: optional,
  /** Share of the decoded error over all latents, 0 to 1. */
  errorShare: optional,
  /** Mean over the positions of (true - simulated)^2 x decoder norm^2: squared units of what the coder writes. */
  error: optional.default(null),
  /** The same of a latent that is never simulated to fire. */
  errorOfSilence: optional.default(null),
  /** Tokens of the explanation. */
  length: z.number().int().nonnegative().nullable(),
  explanation: z.string().nullable(),
});
export type LatentRow = z.infer<typeof latentRowSchema>;

/** The bytes of `latents.parquet`, rows in the order given. */
export function latentsBytes(rows: readonly LatentRow[]): Uint8Array {
  const text = (name: 'hookpoint' | 'style' | 'simulator' | 'calibration') => ({
    name,
    type: 'STRING' as const,
    nullable: false,
    data: rows.map((row) => row[name]),
  });
  const whole = (name: 'latent' | 'positions' | 'length') => ({
    name,
    type: 'INT32' as const,
    nullable: name !== 'latent',
    data: rows.map((row) => row[name]),
  });
  const number = (name: NumberColumn) => ({ name, type: 'DOUBLE' as const, data: rows.map((row) => row[name]) });
  const optionalText = (name: 'entry' | 'explanation') => ({
    name,
    type: 'STRING' as const,
    nullable: true,
    data: rows.map((row) => row[name]),
  });
  return tableBytes(SCHEMA, [
    optionalText('entry'),
    text('hookpoint'),
    whole('latent'),
    text('style'),
    text('simulator'),
    text('calibration'),
    whole('positions'),
    ...NUMBER_COLUMNS.map(number),
    whole('length'),
    optionalText('explanation'),
  ]);
}

const NUMBER_COLUMNS = [
  'precision',
  'recall',
  'specificity',
  'f1',
  'correlation',
  'correlationWhenFiring',
  'trueFiringRate',
  'simulatedFiringRate',
  'decoderNorm',
  'errorShare',
  'error',
  'errorOfSilence',
] as const satisfies readonly (keyof LatentRow)[];
type NumberColumn = (typeof NUMBER_COLUMNS)[number];

/** @throws {UsageError} see {@link readTable} */
export function readLatents(folder: string): Promise<LatentRow[]> {
  return readTable(join(folder, 'latents.parquet'), SCHEMA, latentRowSchema, { older: BEFORE });
}

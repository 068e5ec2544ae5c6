import { join } from 'node:path';
import { z } from 'zod';
import { checkMeasurements, type Measurements, positionCount } from '../statistics/measurements.js';
import { readTable, tableBytes } from './table.js';

const SCHEMA = 'partial-rewrite/positions@1';

/** Losses are most of the file; their bytes split by place take a tenth less room. */
const LOSS_ENCODING = 'BYTE_STREAM_SPLIT';

/** A row of `positions.parquet`: one arm at one position. */
const positionRowSchema = z.strictObject({
  /** Id of the context. */
  context: z.string(),
  /** Place of the token in its context, from 0. */
  index: z.number().int().nonnegative(),
  /** Surface form of the token. */
  token: z.string(),
  arm: z.string(),
  /** Which of several imputations of the ratings that were not asked, from 0; `null` where all were asked. */
  imputation: z.number().int().nonnegative().nullable().default(null),
  /** Loss of the next token, nats. */
  ce: z.number(),
  /** KL(original || arm), nats. */
  kl: z.number(),
  /** Whether the most likely next token is the original model's. */
  top1: z.boolean(),
  /** Latents without a rating here. */
  missing: z.number().int().nonnegative(),
  /** True where the position does not count for this arm. */
  dropped: z.boolean(),
});
export type PositionRow = z.infer<typeof positionRowSchema>;

/** The bytes of `positions.parquet`: arm by arm, imputation by imputation, and within one in the order of the measurements. */
export function positionsBytes(measurements: Measurements): Uint8Array {
  checkMeasurements(measurements);
  const { contexts, arms } = measurements;
  const positions = positionCount(measurements);
  const versions = arms.flatMap((arm) =>
    arm.versions.map((losses, m) => ({ arm, losses, imputation: arm.versions.length > 1 ? m : null })),
  );
  const rows = versions.length * positions;
  const perPosition = {
    context: contexts.flatMap(({ id, positions: at }) => at.map(() => id)),
    index: contexts.flatMap(({ positions: at }) => at),
    token: contexts.flatMap(({ tokens }) => tokens),
  };
  const repeat = <T>(values: readonly T[]): T[] => versions.flatMap(() => values);
  const everywhere = <T>(value: T): T[] => Array<T>(positions).fill(value);
  const ce = new Float32Array(rows);
  const kl = new Float32Array(rows);
  for (const [at, { losses }] of versions.entries()) {
    ce.set(losses.ce, at * positions);
    kl.set(losses.kl, at * positions);
  }
  const flags = (column: Uint8Array | null): boolean[] =>
    Array.from({ length: positions }, (_, p) => column?.[p] === 1);
  return tableBytes(SCHEMA, [
    { name: 'context', type: 'STRING', nullable: false, data: repeat(perPosition.context) },
    { name: 'index', type: 'INT32', nullable: false, data: repeat(perPosition.index) },
    { name: 'token', type: 'STRING', nullable: false, data: repeat(perPosition.token) },
    {
      name: 'arm',
      type: 'STRING',
      nullable: false,
      data: versions.flatMap(({ arm }) => everywhere(arm.arm.id)),
    },
    {
      name: 'imputation',
      type: 'INT32',
      nullable: true,
      data: versions.flatMap(({ imputation }) => everywhere(imputation)),
    },
    { name: 'ce', type: 'FLOAT', nullable: false, encoding: LOSS_ENCODING, data: ce },
    { name: 'kl', type: 'FLOAT', nullable: false, encoding: LOSS_ENCODING, data: kl },
    { name: 'top1', type: 'BOOLEAN', nullable: false, data: versions.flatMap(({ losses: { top1 } }) => flags(top1)) },
    {
      name: 'missing',
      type: 'INT32',
      nullable: false,
      data: versions.flatMap(({ arm: { missing } }) => Array.from({ length: positions }, (_, p) => missing?.[p] ?? 0)),
    },
    {
      name: 'dropped',
      type: 'BOOLEAN',
      nullable: false,
      data: versions.flatMap(({ arm: { dropped } }) => flags(dropped)),
    },
  ]);
}

/**
 * @param arms ids of those whose rows are read; all when left out
 * @throws {UsageError} see {@link readTable}
 */
export function readPositions(folder: string, arms?: readonly string[]): Promise<PositionRow[]> {
  return readTable(join(folder, 'positions.parquet'), SCHEMA, positionRowSchema, {
    ...(arms && { filter: { arm: { $in: [...arms] } } }),
  });
}

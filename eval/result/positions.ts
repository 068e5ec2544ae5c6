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

/** The bytes of `positions.parquet`: arm by arm, and within an arm in the order of the measurements. */
export function positionsBytes(measurements: Measurements): Uint8Array {
  checkMeasurements(measurements);
  const { contexts, arms } = measurements;
  const positions = positionCount(measurements);
  const rows = arms.length * positions;
  const perPosition = {
    context: contexts.flatMap(({ id, positions: at }) => at.map(() => id)),
    index: contexts.flatMap(({ positions: at }) => at),
    token: contexts.flatMap(({ tokens }) => tokens),
  };
  const repeat = <T>(values: readonly T[]): T[] => arms.flatMap(() => values);
  const ce = new Float32Array(rows);
  const kl = new Float32Array(rows);
  arms.forEach((arm, a) => {
    ce.set(arm.ce, a * positions);
    kl.set(arm.kl, a * positions);
  });
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
      data: arms.flatMap(({ arm }) => Array<string>(positions).fill(arm.id)),
    },
    { name: 'ce', type: 'FLOAT', nullable: false, encoding: LOSS_ENCODING, data: ce },
    { name: 'kl', type: 'FLOAT', nullable: false, encoding: LOSS_ENCODING, data: kl },
    { name: 'top1', type: 'BOOLEAN', nullable: false, data: arms.flatMap(({ top1 }) => flags(top1)) },
    {
      name: 'missing',
      type: 'INT32',
      nullable: false,
      data: arms.flatMap(({ missing }) => Array.from({ length: positions }, (_, p) => missing?.[p] ?? 0)),
    },
    { name: 'dropped', type: 'BOOLEAN', nullable: false, data: arms.flatMap(({ dropped }) => flags(dropped)) },
  ]);
}

/** @throws {UsageError} see {@link readTable} */
export function readPositions(folder: string): Promise<PositionRow[]> {
  return readTable(join(folder, 'positions.parquet'), SCHEMA, positionRowSchema);
}

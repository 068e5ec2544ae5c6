import { randomUUID } from 'node:crypto';
import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { UsageError } from '../../../harness/index.js';

const whole = z.int().nonnegative();

/** What decides every number of a cache; two caches that agree here hold the same. */
const identitySchema = z.strictObject({
  /** sha256 over the model's files. */
  model: z.string(),
  /** As a reader knows it; decides nothing. */
  modelName: z.string(),
  /** `CoderSpec.id`. */
  coder: z.string(),
  latents: whole,
  hookpoint: z.string(),
  /** Tensors of the model's graph that the hookpoint reads and writes, and which of the two the coder encodes. */
  reads: z.string(),
  writes: z.string(),
  encodes: z.enum(['input', 'output']),
  /** Names the contexts: sha256 over their ids, one after another, where they are known beforehand. */
  text: z.string(),
});

/** `cache.json`: whose activations these are and, once all are there, how many. */
const cacheSchema = z.strictObject({
  schema: z.literal('partial-rewrite/activations@1'),
  identity: identitySchema,
  /** `null` while contexts are still to come. */
  finished: z.strictObject({ shards: whole, contexts: whole, tokens: whole, firings: whole }).nullable(),
});

/** `shard.json`: which contexts, in the order of the text, a shard's rows `[context, …]` are. */
const shardSchema = z.strictObject({ contexts: z.array(z.string()), tokens: whole, firings: whole });

export type CacheIdentity = z.infer<typeof identitySchema>;
export type CacheRecord = z.infer<typeof cacheSchema>;
export type ShardRecord = z.infer<typeof shardSchema>;

/** What decides the numbers of a cache, and what it is called. */
const DECIDES: readonly (readonly [keyof CacheIdentity, string])[] = [
  ['model', 'model'],
  ['coder', 'coder'],
  ['latents', 'number of latents'],
  ['hookpoint', 'hookpoint'],
  ['reads', 'tensor to read'],
  ['writes', 'tensor to write'],
  ['encodes', 'side of the component'],
  ['text', 'text, or other contexts of it'],
];

/** The first thing in which a cache is another than is wanted, as a user calls it; `null` where it is the same. */
export function otherThan(wanted: Partial<CacheIdentity>, found: CacheIdentity): string | null {
  const other = DECIDES.find(([key]) => wanted[key] !== undefined && wanted[key] !== found[key]);
  return other === undefined ? null : other[1];
}

export const CACHE_FILE = 'cache.json';
export const SHARD_FILE = 'shard.json';
export const shardFolder = (folder: string, shard: number): string =>
  join(folder, `shard-${String(shard).padStart(5, '0')}`);

/** Writes a file so that its path holds the old bytes or all the new ones. */
export async function writeRecord(path: string, record: CacheRecord | ShardRecord): Promise<void> {
  const draft = `${path}.${randomUUID()}.draft`;
  const file = await open(draft, 'wx');
  try {
    await file.writeFile(`${JSON.stringify(record, null, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
}

/** What was written is not what is read. */
export function damaged(found: string, cause?: unknown): UsageError {
  return new UsageError('CACHE_DAMAGED', `${found}.`, 'Fill the cache again in an empty folder.', { cause });
}

/** `null` where there is no such file. @throws {UsageError} `CACHE_DAMAGED` for one that says anything else */
async function readRecord<T>(path: string, schema: z.ZodType<T>): Promise<T | null> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return null;
    throw error;
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw damaged(`${path} is not what a cache of activations has there`, cause);
  }
}

export const readCacheRecord = (folder: string): Promise<CacheRecord | null> =>
  readRecord(join(folder, CACHE_FILE), cacheSchema);

/** @throws {UsageError} `CACHE_DAMAGED` without one */
export async function readShardRecord(path: string): Promise<ShardRecord> {
  const record = await readRecord(path, shardSchema);
  if (record === null) throw damaged(`${path} is missing`);
  return record;
}

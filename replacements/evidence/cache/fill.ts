import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Context, type LatentActivations, UsageError } from '../../../harness/index.js';
import type { ReadComponent } from '../../coders/evidence.js';
import { encodedBy, type SparseCoder } from '../../coders/sparse-coder.js';
import { type ActivationCache, openCache } from './open.js';
import {
  CACHE_FILE,
  type CacheIdentity,
  type CacheRecord,
  otherThan,
  readCacheRecord,
  writeRecord,
} from './records.js';
import { Shard, writeShard } from './shard.js';
import { ShardRows } from './shard-rows.js';

/** What fires at each token of each context. */
export type EncodeContexts = (contexts: readonly Context[]) => Promise<readonly LatentActivations[]>;

/** The coder's own activations over what a component reads or writes, one context at a time, as a run has them. */
export function encodeContexts(read: ReadComponent, coder: SparseCoder): EncodeContexts {
  return async (contexts) => {
    const found: LatentActivations[] = [];
    for (const trace of await read(contexts)) found.push(await coder.encode(encodedBy(coder.spec, trace)));
    return found;
  };
}

export interface FillOptions {
  /** Firings after which a shard is written: so much is in memory, and so much a killed run does again. */
  readonly firingsPerShard?: number;
  /** Ends the work after the contexts under way; what was written stays. */
  readonly signal?: AbortSignal;
  /** Called with the number of tokens done, those of earlier runs included. */
  readonly onTokens?: (done: number) => void;
}

/** Two million firings are a file of 20 to 30 MB. */
const FIRINGS_PER_SHARD = 2 ** 21;
/** Contexts read at once: enough to fill the processor, few enough for memory. Shards end where such a batch does. */
const AT_ONCE = 16;

/**
 * Fills a folder with a coder's activations over contexts, which may be a stream: at most a shard of them is in memory.
 * A folder that was filled in part goes on behind its last whole shard and ends with the same bytes; one that is whole is
 * opened as it is. One process fills a folder at a time.
 *
 * @throws {UsageError} `CACHE_OF_OTHERS` when the folder holds something else, or other contexts than these
 * @throws {RangeError} without contexts
 */
export async function fillCache(
  folder: string,
  identity: CacheIdentity,
  contexts: Iterable<Context> | AsyncIterable<Context>,
  encode: EncodeContexts,
  { firingsPerShard = FIRINGS_PER_SHARD, signal, onTokens = () => {} }: FillOptions = {},
): Promise<ActivationCache> {
  const record = await begin(folder, identity);
  if (record.finished !== null) return openCache(folder);
  const total = { shards: 0, contexts: 0, tokens: 0, firings: 0 };
  const stream = oneByOne(contexts);
  for (;;) {
    const written = await Shard.open(folder, total.shards, identity);
    if (written === null) break;
    await passOver(stream, written.record.contexts, folder, total.contexts);
    total.shards += 1;
    total.contexts += written.record.contexts.length;
    total.tokens += written.record.tokens;
    total.firings += written.record.firings;
    onTokens(total.tokens);
  }
  let rows = new ShardRows(identity.latents);
  const write = async () => {
    await writeShard(folder, total.shards, identity, rows);
    total.shards += 1;
    rows = new ShardRows(identity.latents);
  };
  for await (const batch of inBatches(stream, AT_ONCE)) {
    signal?.throwIfAborted();
    const found = await encode(batch);
    batch.forEach((context, i) => {
      rows.add(context, found[i]!);
      total.contexts += 1;
      total.tokens += context.tokens.length;
      total.firings += found[i]!.ids.length;
    });
    onTokens(total.tokens);
    if (rows.firings >= firingsPerShard) await write();
  }
  if (rows.tokens > 0) await write();
  if (total.contexts === 0) throw new RangeError('no contexts to fill a cache from');
  await writeRecord(join(folder, CACHE_FILE), { ...record, finished: total });
  return openCache(folder);
}

async function* oneByOne(contexts: Iterable<Context> | AsyncIterable<Context>): AsyncGenerator<Context, void> {
  yield* contexts;
}

async function* inBatches(stream: AsyncGenerator<Context, void>, size: number): AsyncGenerator<Context[]> {
  let batch: Context[] = [];
  for await (const context of stream) {
    batch.push(context);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** Takes from the stream the contexts that a shard has: they must be the same. */
async function passOver(
  stream: AsyncGenerator<Context, void>,
  ids: readonly string[],
  folder: string,
  before: number,
): Promise<void> {
  for (const [i, id] of ids.entries()) {
    const next = await stream.next();
    if (!next.done && next.value.id === id) continue;
    const now = next.done ? 'is missing now' : `is ${next.value.id} now`;
    throw ofOthers(folder, `context ${before + i + 1} was ${id} when it was filled and ${now}`);
  }
}

/** The record of a folder that is to be filled: its own, or a new one where it is empty. */
async function begin(folder: string, identity: CacheIdentity): Promise<CacheRecord> {
  await mkdir(folder, { recursive: true });
  const present = await readCacheRecord(folder);
  const names = await readdir(folder);
  if (present === null) {
    if (names.some((name) => !name.endsWith('.draft'))) throw ofOthers(folder, 'it holds other files');
    const record: CacheRecord = { schema: 'partial-rewrite/activations@1', identity, finished: null };
    await writeRecord(join(folder, CACHE_FILE), record);
    return record;
  }
  const other = otherThan(identity, present.identity);
  if (other !== null) throw ofOthers(folder, `it was filled for another ${other}`);
  // What a killed run was writing.
  for (const name of names) if (name.endsWith('.draft')) await rm(join(folder, name), { recursive: true });
  return present;
}

function ofOthers(folder: string, why: string): UsageError {
  return new UsageError(
    'CACHE_OF_OTHERS',
    `${folder} cannot take these activations: ${why}.`,
    'Name another folder, or empty this one.',
  );
}

import { UsageError } from '../errors.js';
import type { Hookpoint } from '../replacement.js';
import {
  float32,
  float32Data,
  int64Data,
  type KeptTensor,
  kept,
  type Results,
  type Session,
  type Value,
} from '../runtime/index.js';
import { emptyCache, tokenFeeds } from './feeds.js';
import { type CrossingAxes, given, prefixGraph, presents, readAxes, suffixGraph, wholeGraph } from './graphs.js';
import { METRIC } from './metrics.js';
import type { Model } from './open.js';
import { type Split, splitAt } from './split.js';

/** A model cut at one hookpoint: its sessions, and how they are fed. */
export interface Pieces {
  readonly model: Model;
  readonly hookpoint: Hookpoint;
  readonly split: Split;
  /** Runs the part before the cut on rows of one length. */
  runPrefix(rows: readonly Int32Array[], fetch: Readonly<Record<string, 'data' | 'keep'>>): Promise<Results>;
  /** Runs the part after the cut for keys and values of its layers; for models without a cache there is nothing to fetch. */
  runCache(run: SuffixRun, fetch: Readonly<Record<string, 'data' | 'keep'>>): Promise<Results>;
  /** Runs the part after the cut for logits and measures. */
  runSuffix(run: SuffixRun, fetch: Readonly<Record<string, 'data' | 'keep'>>): Promise<Results>;
  dispose(): Promise<void>;
}

export interface SuffixRun {
  /** `[batch, tokens, width]` */
  readonly writes: Value;
  /** The tokens at which something is written; the same for all rows of the batch. */
  readonly tokens: Int32Array;
  /** What the prefix gave for one row of the whole context. */
  readonly crossing: ReadonlyMap<string, KeptTensor>;
  /** Present keys and values of the context by the name of their input, for a run at its last token alone. */
  readonly cache: ReadonlyMap<string, KeptTensor> | null;
  /** Tokens before `tokens` whose keys and values the cache holds. */
  readonly past: number;
  /** The true next tokens of the last of `tokens`; only there is anything measured. */
  readonly targets: Int32Array;
  /** Log-probabilities to measure against; `null` in the run that makes them. */
  readonly reference: KeptTensor | null;
}

const PROBE = { batch: [2, 3], length: [24, 5] } as const;
const NO_REFERENCE = float32Data(new Float32Array(1), [1, 1, 1]);

/** Makes both sessions; the wiring is not checked yet. */
export async function cutInPieces(model: Model, hookpoint: Hookpoint): Promise<Pieces> {
  const { file, index, stream, signature, runtime, sessions } = model.parts;
  const split = splitAt(index, stream, signature, hookpoint);
  const load = (graph: Uint8Array) => refused(file.path, () => runtime.createSession(graph, sessions));
  const prefix = await load(prefixGraph(file, split));
  const runPrefix: Pieces['runPrefix'] = (rows, fetch) =>
    prefix.run(
      { ...tokenFeeds(signature, prefix.inputs, rows), ...emptyCache(signature, prefix.inputs, rows.length) },
      fetch,
    );
  const axes = await refused(file.path, () => probe(model, hookpoint, split, runPrefix));
  const open = (purpose: 'measures' | 'cache') => load(suffixGraph(file, signature, hookpoint, split, axes, purpose));
  const suffix = await open('measures');
  const cache = presents(split).length === 0 ? null : await open('cache');
  return {
    model,
    hookpoint,
    split,
    runPrefix,
    runCache: async (run, fetch) => (cache ? cache.run(suffixFeeds(model, hookpoint, cache, run), fetch) : {}),
    runSuffix: (run, fetch) => suffix.run(suffixFeeds(model, hookpoint, suffix, run), fetch),
    async dispose() {
      await Promise.all([prefix.dispose(), suffix.dispose(), cache?.dispose()]);
    },
  };
}

/** The whole model's logits on one row, `[tokens * vocabulary]`. */
export async function wholeLogits(model: Model, row: Int32Array): Promise<Float32Array> {
  const { file, signature, runtime, sessions } = model.parts;
  const session = await refused(file.path, () => runtime.createSession(wholeGraph(file, signature), sessions));
  try {
    const feeds = { ...tokenFeeds(signature, session.inputs, [row]), ...emptyCache(signature, session.inputs, 1) };
    return float32(await session.run(feeds, { [signature.logits]: 'data' }), signature.logits).data;
  } finally {
    await session.dispose();
  }
}

/** What onnxruntime says against a graph that was only cut, or against running it on plain tokens, is about the file. */
async function refused<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    const [reason] = (cause instanceof Error ? cause.message : String(cause)).split('\n');
    throw new UsageError(
      'MODEL_REFUSED',
      `onnxruntime cannot run ${path}: ${reason}`,
      'The file is damaged or uses operators that this version does not have: export the model again.',
      { cause },
    );
  }
}

function suffixFeeds(model: Model, hookpoint: Hookpoint, suffix: Session, run: SuffixRun): Record<string, Value> {
  const { signature } = model.parts;
  const batch = run.writes.dims[0] ?? 0;
  const rows = Array<Int32Array>(batch).fill(run.tokens);
  const targets = Array.from({ length: batch }, () => [...run.targets]).flat();
  const feeds: Record<string, Value> = {
    [hookpoint.writes]: run.writes,
    ...tokenFeeds(signature, suffix.inputs, rows, run.past),
    // The suffix repeats caches itself, and drops the last token of each: an empty one stays empty.
    ...emptyCache(signature, suffix.inputs, 1, given),
    [METRIC.targets]: int64Data(targets, [batch, run.targets.length]),
    [METRIC.reference]: run.reference ?? NO_REFERENCE,
  };
  for (const [name, tensor] of [...run.crossing, ...(run.cache ?? [])]) feeds[given(name)] = tensor;
  return Object.fromEntries(Object.entries(feeds).filter(([name]) => suffix.inputs.includes(name)));
}

/** Runs the prefix twice to see which axes of what crosses follow the batch and the tokens. */
async function probe(
  model: Model,
  hookpoint: Hookpoint,
  { prefix, crossing }: Split,
  runPrefix: Pieces['runPrefix'],
): Promise<ReadonlyMap<string, CrossingAxes>> {
  const sizes = async (batch: number, length: number) => {
    const row = new Int32Array(length);
    const results = await runPrefix(
      Array<Int32Array>(batch).fill(row),
      Object.fromEntries(prefix.outputs.map((name) => [name, 'keep' as const])),
    );
    const tensors = prefix.outputs.map((name) => kept(results, name));
    await model.parts.runtime.release(...tensors);
    return new Map(prefix.outputs.map((name, i) => [name, tensors[i]!] as const));
  };
  const first = await sizes(PROBE.batch[0], PROBE.length[0]);
  const second = await sizes(PROBE.batch[1], PROBE.length[1]);
  const axes = new Map<string, CrossingAxes>();
  for (const name of new Set([hookpoint.reads, hookpoint.writes, ...crossing])) {
    const [one, other] = [first.get(name), second.get(name)];
    if (one === undefined || other === undefined) throw new Error(`the prefix gives no ${name}`);
    if (one.element !== 'float32') {
      throw new UsageError(
        'HOOKPOINT_SHAPE',
        `Tensor ${name} at ${hookpoint.id} is ${one.element}.`,
        'Export the model in float32: activations are read and written in that.',
      );
    }
    axes.set(name, readAxes(name, one.dims, other.dims, PROBE, hookpoint.width));
  }
  for (const name of [hookpoint.reads, hookpoint.writes]) {
    if (axes.get(name)?.likeWrites) continue;
    throw new UsageError(
      'HOOKPOINT_SHAPE',
      `Tensor ${name} at ${hookpoint.id} has shape [${first.get(name)?.dims}], not [batch, sequence, ${hookpoint.width}].`,
      'Cut at another hookpoint: `partial-rewrite inspect` lists them.',
    );
  }
  return axes;
}

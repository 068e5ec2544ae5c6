import { float32, float32Data, type KeptTensor, kept, type TensorData } from '../runtime/index.js';
import { presents } from './graphs.js';
import type { Pieces, SuffixRun } from './pieces.js';

/** Tokens that were run up to the cut: what the component saw and did, and what the suffix needs beside it. */
export interface Started {
  readonly tokens: Int32Array;
  /** `[tokens * width]` */
  readonly reads: Float32Array;
  /** `[tokens * width]` */
  readonly writes: Float32Array;
  readonly crossing: ReadonlyMap<string, KeptTensor>;
  /** Caches that the prefix made, by the name of their input. */
  readonly early: ReadonlyMap<string, KeptTensor>;
  release(): Promise<void>;
}

export async function start(pieces: Pieces, tokens: Int32Array): Promise<Started> {
  const { hookpoint, split, model } = pieces;
  const { runtime } = model.parts;
  const { outputs } = split.prefix;
  const results = await pieces.runPrefix([tokens], Object.fromEntries(outputs.map((name) => [name, 'keep'])));
  const read = async (name: string) => floats(await runtime.read(kept(results, name)));
  return {
    tokens,
    reads: await read(hookpoint.reads),
    writes: await read(hookpoint.writes),
    crossing: new Map(split.crossing.map((name) => [name, kept(results, name)])),
    early: new Map(
      split.suffix.cache
        .filter(({ present }) => outputs.includes(present))
        .map(({ past, present }) => [past, kept(results, present)]),
    ),
    release: () => runtime.release(...outputs.map((name) => kept(results, name))),
  };
}

/** How the suffix is run over all tokens that were started, with nothing reused. */
export function wholeRun({ tokens, crossing }: Started): Pick<SuffixRun, 'tokens' | 'crossing' | 'cache' | 'past'> {
  return { tokens, crossing, cache: null, past: 0 };
}

/** How the suffix is run over the last token alone. @param cache keys and values as `fillCache` gives them */
export function lastTokenRun(
  { tokens, crossing }: Started,
  cache: ReadonlyMap<string, KeptTensor>,
): Pick<SuffixRun, 'tokens' | 'crossing' | 'cache' | 'past'> {
  return { tokens: tokens.slice(-1), crossing, cache, past: tokens.length - 1 };
}

/** Runs the unedited suffix once for the keys and values of the layers after the cut. */
export async function fillCache(
  pieces: Pieces,
  started: Started,
): Promise<{ readonly cache: ReadonlyMap<string, KeptTensor>; release(): Promise<void> }> {
  const { split, hookpoint, model } = pieces;
  const names = presents(split);
  const made = await pieces.runCache(
    {
      ...wholeRun(started),
      writes: float32Data(started.writes, [1, started.tokens.length, hookpoint.width]),
      targets: started.tokens.slice(-1),
      reference: null,
    },
    Object.fromEntries(names.map((name) => [name, 'keep'])),
  );
  const late = split.suffix.cache.filter(({ present }) => names.includes(present));
  return {
    cache: new Map([...started.early, ...late.map(({ past, present }) => [past, kept(made, present)] as const)]),
    release: () => model.parts.runtime.release(...names.map((name) => kept(made, name))),
  };
}

function floats(tensor: TensorData): Float32Array {
  return float32({ tensor }, 'tensor').data;
}

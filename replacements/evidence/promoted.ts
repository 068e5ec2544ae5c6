import {
  type Context,
  type LatentActivations,
  type Model,
  openReader,
  openUnembedding,
  type Reader,
} from '../../harness/index.js';
import { encodedBy, type SparseCoder } from '../coders/sparse-coder.js';

/** A token that a latent makes likelier, and by how much its logit rises beside the vocabulary's mean. */
export interface PromotedToken {
  readonly token: number;
  readonly weight: number;
}

export interface PromotedOptions {
  readonly model: Model;
  /** Reads the component that the coder is for. */
  readonly reader: Reader;
  readonly coder: SparseCoder;
  /** Text of at least one token: the latents' effects are averaged over the states that the model ends it in. */
  readonly context: Context;
  /** `[latent]`: the activation whose effect is told; of latents with 0 nothing is. */
  readonly scale: Float32Array;
  /** Tokens that are told of each latent. */
  readonly most: number;
  readonly onLatents?: (done: number) => void;
}

/** States of the model that the effect is averaged over: the final norm makes it depend on what else is there. */
const STATES = 8;
/** Latents decoded at once, and of these those whose states go through the model's end together. */
const AT_ONCE = 64;
const TOGETHER = 4;

function joined(rows: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(rows.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const row of rows) {
    all.set(row, at);
    at += row.length;
  }
  return all;
}

/** Every state with the same added to it. */
const shifted = (states: readonly Float32Array[], effect: Float32Array): Float32Array =>
  joined(states.map((state) => state.map((value, i) => value + effect[i]!)));

/** One row a latent, each with that latent alone. */
export function aloneAt(latents: readonly number[], scale: Float32Array, width: number): LatentActivations {
  return {
    positions: latents.length,
    latents: width,
    rows: Uint32Array.from({ length: latents.length + 1 }, (_, row) => row),
    ids: Uint32Array.from(latents),
    values: Float32Array.from(latents, (latent) => scale[latent]!),
  };
}

/**
 * The tokens that each latent promotes on the direct path: what its decoder adds goes through the final norm and the
 * unembedding, past all layers between. Strongest first; no more tokens than have their logit raised.
 */
export async function promotedTokens(options: PromotedOptions): Promise<readonly (readonly PromotedToken[])[]> {
  const { model, reader, coder, context, scale, most, onLatents } = options;
  const { width, vocabulary } = model;
  const last = await openReader(model, `layers.${model.layers - 1}`);
  const unembedding = await openUnembedding(model);
  try {
    const [end] = await last.read([context]);
    const length = context.tokens.length;
    const states = Array.from({ length: Math.min(STATES, length) }, (_, i) => {
      const at = Math.floor(((i + 1) * length) / (Math.min(STATES, length) + 1));
      return end!.output.data.subarray(at * width, (at + 1) * width);
    });
    const before = await unembedding.logProbabilities(joined(states));
    const effects = await decoderEffects(reader, coder, context);
    const found: (readonly PromotedToken[])[] = [];
    for (let from = 0; from < scale.length; from += AT_ONCE) {
      const latents = Array.from({ length: Math.min(AT_ONCE, scale.length - from) }, (_, i) => from + i);
      const added = await effects(aloneAt(latents, scale, scale.length));
      const rows = latents.flatMap((latent, row) => (scale[latent]! > 0 ? [row] : []));
      const told = new Map<number, readonly PromotedToken[]>();
      for (let start = 0; start < rows.length; start += TOGETHER) {
        const some = rows.slice(start, start + TOGETHER);
        const moved = some.map((row) => shifted(states, added.subarray(row * width, (row + 1) * width)));
        const after = await unembedding.logProbabilities(joined(moved));
        for (const [i, row] of some.entries()) {
          told.set(
            row,
            strongest(before, after.subarray(i * before.length, (i + 1) * before.length), vocabulary, most),
          );
        }
      }
      for (const row of latents.keys()) found.push(told.get(row) ?? []);
      onLatents?.(found.length);
    }
    return found;
  } finally {
    await unembedding.dispose();
    await last.dispose();
  }
}

/** What latents add to the component's output, beside what the coder writes without any: `[row, model]`. */
export async function decoderEffects(reader: Reader, coder: SparseCoder, context: Context) {
  const [trace] = await reader.read([context]);
  const x = encodedBy(coder.spec, trace!);
  const first = x.data.subarray(0, x.shape[1]);
  // The same input in every row, since normalisation and skip path depend on it.
  const repeated = (rows: number) => {
    const data = new Float32Array(rows * first.length);
    for (let row = 0; row < rows; row++) data.set(first, row * first.length);
    return { ...x, shape: [rows, first.length] as const, data };
  };
  const silent = await coder.decode(
    { ...aloneAt([], new Float32Array(0), coder.spec.latents), positions: 1, rows: Uint32Array.of(0, 0) },
    repeated(1),
  );
  return async (latents: LatentActivations): Promise<Float32Array> => {
    const { data } = await coder.decode(latents, repeated(latents.positions));
    return data.map((value, i) => value - silent.data[i % silent.data.length]!);
  };
}

/** Mean rise of each token's log-probability over the states, less its mean over the vocabulary: that of its logit. */
function strongest(before: Float32Array, after: Float32Array, vocabulary: number, most: number): PromotedToken[] {
  const rises = new Float64Array(vocabulary);
  for (let i = 0; i < after.length; i++) rises[i % vocabulary]! += after[i]! - before[i]!;
  const states = after.length / vocabulary;
  const mean = rises.reduce((sum, rise) => sum + rise, 0) / vocabulary;
  return Array.from(rises.keys())
    .sort((a, b) => rises[b]! - rises[a]! || a - b)
    .slice(0, most)
    .map((token) => ({ token, weight: (rises[token]! - mean) / states }))
    .filter(({ weight }) => weight > 0);
}

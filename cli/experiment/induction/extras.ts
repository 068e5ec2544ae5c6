import {
  type ExplainedStyle,
  type ExplainerEvidence,
  type Extra,
  explainerNeeds,
  explainerUses,
} from '../../../explanations/index.js';
import { type Context, openTokenizer, type Reader } from '../../../harness/index.js';
import { decoderNeighbours, promotedTokens, type SparseCoder } from '../../../replacements/index.js';
import type { Watched } from '../progress.js';

/** What extras are computed from: the coder, the model around it, and how strongly each latent was seen to fire. */
export interface ExtrasSource {
  readonly reader: Reader;
  readonly coder: SparseCoder;
  /** Any context of the evidence: promoted tokens are averaged over the states that the model ends it in. */
  readonly context: Context;
  /** `[latent]`: largest activation seen; of latents with 0 nothing is computed. */
  readonly scale: Float32Array;
}

/** Similar latents that are looked for: as many as an explanation can hope to tell apart. */
const NEIGHBOURS = 10;
/** Promoted tokens that are looked for; explainers take the strongest that there is room for. */
const PROMOTED = 50;

async function neighboursOf(
  { reader, coder, scale }: ExtrasSource,
  { progress, signal }: Watched,
): Promise<NonNullable<ExplainerEvidence['neighbours']>> {
  const bar = progress('Comparing decoder directions', scale.length, 'latents');
  const neighbours = await decoderNeighbours(reader.model.parts.runtime, coder.spec);
  try {
    const found: number[][] = [];
    for (const [latent, largest] of scale.entries()) {
      signal.throwIfAborted();
      found.push(largest > 0 ? (await neighbours.of(latent, NEIGHBOURS)).map((each) => each.latent) : []);
      bar.at(latent + 1);
    }
    return found;
  } finally {
    await neighbours.dispose();
    bar.end();
  }
}

async function promotedBy(
  { reader, coder, context, scale }: ExtrasSource,
  { progress, signal }: Watched,
): Promise<NonNullable<ExplainerEvidence['promoted']>> {
  const { model } = reader;
  const bar = progress('Finding the tokens that latents promote', scale.length, 'latents');
  const onLatents = (done: number): void => {
    signal.throwIfAborted();
    bar.at(done);
  };
  const found = await promotedTokens({ model, reader, coder, context, scale, most: PROMOTED, onLatents });
  bar.end();
  const tokenizer = await openTokenizer(model.folder);
  return found.map((tokens) => tokens.map(({ token, weight }) => ({ token: tokenizer.surface(token), weight })));
}

/** Output directions in which latents' errors are held against each other; of wider outputs, random mixtures. */
const DIRECTIONS = 128;

/** What explanations of a style need to know of each latent beside its activations; `null` for what they do not. */
export async function explainerExtras(
  style: ExplainedStyle,
  source: ExtrasSource,
  watched: Watched,
): Promise<Pick<ExplainerEvidence, Extra>> {
  const needs = explainerNeeds(style);
  return {
    directions: explainerUses(style).includes('directions') ? await source.coder.decoderDirections(DIRECTIONS) : null,
    neighbours: needs.includes('neighbours') ? await neighboursOf(source, watched) : null,
    promoted: needs.includes('promoted') ? await promotedBy(source, watched) : null,
  };
}

import {
  type Directions,
  type ExplainedStyle,
  type ExplainerEvidence,
  type Extra,
  explainerNeeds,
  explainerUses,
} from '../../../explanations/index.js';
import {
  type Context,
  fisherRoot,
  openOutputScores,
  openTokenizer,
  type Reader,
  seededRandom,
} from '../../../harness/index.js';
import { decoderNeighbours, promotedTokens, type SparseCoder } from '../../../replacements/index.js';
import type { Watched } from '../progress.js';

/** What extras are computed from: the coder, the model around it, and how strongly each latent was seen to fire. */
export interface ExtrasSource {
  readonly reader: Reader;
  readonly coder: SparseCoder;
  /** Some contexts of the evidence, `EXTRAS_CONTEXTS` where there are as many, one at least. */
  readonly contexts: readonly [Context, ...Context[]];
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
  { reader, coder, contexts: [context], scale }: ExtrasSource,
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
/**
 * Scores by which such errors are weighed. Each takes as many runs of the model behind the hookpoint as its output has values,
 * so that of wider outputs there are fewer.
 */
const SCORES = { most: 4096, least: 512, values: 2 ** 19 };
/** Contexts that are ever looked at: enough for all scores, of 32 tokens or more. */
export const EXTRAS_CONTEXTS = 128;

/** What an error in the component's output costs in KL, by scores of the evidence's first contexts; `null` where nothing does. */
async function rootOf(
  { reader: { model, hookpoint }, contexts }: ExtrasSource,
  { progress, signal }: Watched,
): Promise<Float32Array | null> {
  const scores = await openOutputScores(model, hookpoint.id);
  const { width } = scores;
  const wanted = Math.min(SCORES.most, Math.max(SCORES.least, Math.floor(SCORES.values / width)));
  const bar = progress('Weighing errors in the output by what they cost', wanted, 'tokens');
  const found: Float32Array[] = [];
  let tokens = 0;
  try {
    for (const context of contexts) {
      if (tokens >= wanted) break;
      found.push(await scores.of(context.tokens, seededRandom(`scores/${context.id}`), signal));
      tokens += context.tokens.length;
      bar.at(Math.min(tokens, wanted));
    }
  } finally {
    await scores.dispose();
    bar.end();
  }
  const all = new Float32Array(tokens * width);
  let at = 0;
  for (const some of found) {
    all.set(some, at);
    at += some.length;
  }
  return fisherRoot(all, width);
}

async function directionsOf(source: ExtrasSource, watched: Watched): Promise<Directions> {
  return source.coder.decoderDirections(DIRECTIONS, await rootOf(source, watched));
}

/** What explanations of a style need to know of each latent beside its activations; `null` for what they do not. */
export async function explainerExtras(
  style: ExplainedStyle,
  source: ExtrasSource,
  watched: Watched,
): Promise<Pick<ExplainerEvidence, Extra>> {
  const needs = explainerNeeds(style);
  return {
    directions: explainerUses(style).includes('directions') ? await directionsOf(source, watched) : null,
    neighbours: needs.includes('neighbours') ? await neighboursOf(source, watched) : null,
    promoted: needs.includes('promoted') ? await promotedBy(source, watched) : null,
  };
}

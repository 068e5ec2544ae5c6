import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { writeWhole } from '../../eval/index.js';
import {
  type ExplainedStyle,
  type Explanation,
  explainedStyles,
  formatExplanations,
  type InStyle,
  isExecutable,
  readExplanations,
} from '../../explanations/index.js';
import {
  filesOf,
  type Hookpoint,
  type Model,
  type Reader,
  sha256,
  sha256OfFile,
  UsageError,
} from '../../harness/index.js';
import type { CoderEvidence, SparseCoder } from '../../replacements/index.js';
import { contentKey } from './cache.js';
import { explainerExtras } from './induction/extras.js';
import { explainWatched } from './induction/in-thread.js';
import { madeFrom } from './induction/provenance.js';
import type { Watched } from './progress.js';
import { writtenBefore } from './writing/cached.js';
import { proseStyles, type WritingConfig } from './writing/config.js';
import { sourceOfEvidence } from './writing/source.js';

/** How explanations are to be written from evidence. */
export interface Explaining {
  readonly style: ExplainedStyle;
  /** Largest length of each. */
  readonly maxTokens: number;
}

/** What is explained: a coder at its hookpoint, and what its latents did on the evidence. */
export interface Explained {
  /** Reads the component that the coder is for. */
  readonly reader: Reader;
  readonly coder: SparseCoder;
  readonly evidence: Pick<CoderEvidence, 'contexts' | 'activations' | 'scale'>;
  readonly seed: number;
}

/** The parts of it that decide what is said. */
interface KeyedSource {
  readonly hookpoint: Pick<Hookpoint, 'id'>;
  readonly coder: { readonly spec: Pick<SparseCoder['spec'], 'id'> };
  readonly evidence: Pick<CoderEvidence, 'contexts' | 'activations'>;
  readonly seed: number;
}

/** To be raised with every change of what an explainer writes: what was cached before is then written anew. */
const EXPLAINERS = 'explainers@8';

/** @throws {UsageError} `NO_EXPLAINER`, saying what writes that style, or which styles there are */
export function explainedStyle(style: string): ExplainedStyle {
  const known = explainedStyles.find((each) => each === style);
  if (known !== undefined) return known;
  if (proseStyles.some((each) => each === style)) {
    throw new UsageError(
      'NO_EXPLAINER',
      `Explanations in the style ${style} are written by a language model, and none is named.`,
      `Give --simulator '{ kind: openai, model: … }', or in an experiment \`induce: { style: ${style}, by: … }\`.`,
    );
  }
  if (style === 'shuffled') {
    throw new UsageError(
      'NO_EXPLAINER',
      'Shuffled explanations are not written: a run deals those that it has to other latents.',
      'Say `shuffled: true` in the entry of the experiment.',
    );
  }
  throw new UsageError(
    'NO_EXPLAINER',
    `There is no style ${JSON.stringify(style.slice(0, 60))}.`,
    `Styles that can be written without a language model: ${explainedStyles.join(', ')}; with one: ${proseStyles.join(', ')}.`,
  );
}

/** An explanation in one style of every latent that fires in the evidence and of which something can be said so briefly. */
export async function writeExplanations(
  { reader, coder, evidence, seed }: Explained,
  { style, maxTokens }: Explaining,
  watched: Watched,
): Promise<InStyle<ExplainedStyle>[]> {
  const { model, hookpoint } = reader;
  const { contexts, activations, scale } = evidence;
  const [context] = contexts;
  if (context === undefined) throw new RangeError('no contexts to explain latents by');
  const extras = await explainerExtras(style, { reader, coder, context, scale }, watched);
  const given = { hookpoint: hookpoint.id, contexts, activations, latentScale: scale, ...extras };
  const ids = contexts.map(({ id }) => id);
  return explainWatched(
    {
      style,
      evidence: { kind: 'given', evidence: given },
      options: { maxTokens, seed, provenance: madeFrom(coder, ids) },
      tokenizer: isExecutable(style) ? null : model.folder,
    },
    coder.spec.latents,
    watched,
  );
}

/** Decides what prose says and how long it is: the model's files and its tokenizer. */
async function modelHash({ folder, parts }: Model): Promise<string> {
  const files = [...filesOf(parts.original), join(folder, 'tokenizer.json')];
  return sha256(...(await Promise.all(files.map(sha256OfFile))));
}

/**
 * What explanations are cached by. The coder's weights do not decide what fires: the model does, and the tensor that the
 * coder was said to read. So the activations themselves are a part of it.
 * @param model hash of the model, for styles that are more than activations and tokens; `null` for programs, which are not
 */
export function explanationsKey(
  { hookpoint, coder, evidence, seed }: KeyedSource,
  { style, maxTokens }: Explaining,
  model: string | null,
): string {
  const { rows, ids, values } = evidence.activations;
  const bytes = [rows, ids, values].map((each) => new Uint8Array(each.buffer, each.byteOffset, each.byteLength));
  return contentKey(
    EXPLAINERS,
    hookpoint.id,
    coder.spec.id,
    { style, maxTokens },
    seed,
    evidence.contexts.map(({ id }) => id),
    sha256(...bytes),
    model,
  );
}

/**
 * Explanations by latent: written on first use and cached by the content of coder, evidence and, for prose, the model.
 * Nobody is asked here: those by a language model must have been written before.
 * @throws {UsageError} `NOT_WRITTEN`
 */
export async function explainedOrCached(
  explained: Explained,
  how: Explaining | WritingConfig,
  cache: string,
  watched: Watched,
): Promise<ReadonlyMap<number, Explanation>> {
  if ('by' in how) {
    const { explanations } = await writtenBefore(how, sourceOfEvidence(explained), cache);
    return new Map(explanations.map((each) => [each.latent, each]));
  }
  const { model, hookpoint } = explained.reader;
  const key = explanationsKey(
    { ...explained, hookpoint },
    how,
    isExecutable(how.style) ? null : await modelHash(model),
  );
  const path = join(cache, 'explanations', `${key}.jsonl`);
  if (!existsSync(path)) await writeWhole(path, formatExplanations(await writeExplanations(explained, how, watched)));
  const found = await readExplanations(path, new Map([[hookpoint.id, explained.coder.spec.latents]]));
  return new Map(found.map((each) => [each.latent, each]));
}

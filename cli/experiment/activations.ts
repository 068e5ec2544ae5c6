import { join } from 'node:path';
import {
  type Context,
  filesOf,
  type Reader,
  sha256,
  sha256OfFile,
  type Tokenizer,
  UsageError,
} from '../../harness/index.js';
import {
  type ActivationCache,
  type CacheIdentity,
  encodeContexts,
  fillCache,
  type HeldPart,
  type HeldText,
  heldText,
  refuseShared,
  SHARED_RUN_OF_TEXT,
  type SparseCoder,
} from '../../replacements/index.js';
import { contentKey } from './cache.js';
import type { Watched } from './progress.js';

/** A coder at its hookpoint, and the text that its activations are wanted over. */
export interface WantedActivations {
  readonly reader: Reader;
  readonly coder: SparseCoder;
  readonly contexts: readonly Context[];
}

/** What decides every activation: the model, the coder, where it reads, and the contexts. */
export async function activationsIdentity({ reader, coder, contexts }: WantedActivations): Promise<CacheIdentity> {
  const { model, hookpoint } = reader;
  const files = await Promise.all(filesOf(model.parts.original).map(sha256OfFile));
  return {
    model: sha256(...files),
    modelName: model.name,
    coder: coder.spec.id,
    latents: coder.spec.latents,
    hookpoint: hookpoint.id,
    reads: hookpoint.reads,
    writes: hookpoint.writes,
    encodes: coder.spec.encodes,
    text: sha256(...contexts.map(({ id }) => id)),
  };
}

/**
 * A coder's activations over text, from `folder` or else from where all caches are kept: filled on first use, and gone on
 * with where a run was killed.
 */
export async function cachedActivations(
  wanted: WantedActivations,
  { folder, cache }: { readonly folder: string | undefined; readonly cache: string },
  { progress, signal }: Watched,
): Promise<ActivationCache> {
  const { reader, coder, contexts } = wanted;
  const identity = await activationsIdentity(wanted);
  const tokens = contexts.reduce((sum, context) => sum + context.tokens.length, 0);
  const bar = progress(`Caching activations at ${reader.hookpoint.id}`, tokens, 'tokens');
  const encode = encodeContexts((batch) => reader.read(batch, signal), coder);
  const filled = await fillCache(
    folder ?? join(cache, 'activations', contentKey(identity)),
    identity,
    contexts,
    encode,
    { signal, onTokens: (done) => bar.at(done) },
  );
  // Of a cache that was whole before nothing is told.
  bar.at(tokens);
  bar.end();
  return filled;
}

/** Documents that must not serve as evidence, as they run on where contexts are cut from them. */
export function heldDocuments(name: string, documents: readonly string[], tokenizer: Tokenizer): HeldPart {
  const end = tokenizer.bos === null && tokenizer.eos !== null ? [tokenizer.eos] : [];
  const texts = documents.map((document, i) => {
    const ids = tokenizer.encode(document);
    const tokens = new Int32Array(end.length + ids.length);
    tokens.set(end);
    tokens.set(ids, end.length);
    return { name: `document ${i + 1}`, tokens };
  });
  return { name, texts };
}

/**
 * The contexts of a text that may serve as evidence: all, or an error when text that is held back is among them.
 * @param leaveOut leaves those out instead
 * @param stretchOf the tokens that are looked for; by default the context's own
 * @throws {UsageError} `CONTAMINATED`, saying how many contexts share a run of tokens with held text, and which
 */
export function ownContexts(
  contexts: readonly Context[],
  held: HeldText,
  leaveOut: boolean,
  stretchOf: (context: Context) => Int32Array = ({ tokens }) => tokens,
): readonly Context[] {
  if (leaveOut) {
    const own = contexts.filter((context) => held.shared(stretchOf(context)) === null);
    if (own.length > 0) return own;
    throw new UsageError(
      'CONTAMINATED',
      `All ${contexts.length} contexts of the evidence share text with what is held back.`,
      'Take evidence from other documents: what is evaluated must not have been shown.',
    );
  }
  refuseShared(
    held,
    'contexts',
    contexts.map((context) => ({ name: context.id, tokens: stretchOf(context) })),
  );
  return contexts;
}

/** The same for documents. @throws {UsageError} also `HELD_TOO_SHORT` */
export function evidenceContexts(
  contexts: readonly Context[],
  held: readonly HeldPart[],
  leaveOut: boolean,
): readonly Context[] {
  return ownContexts(contexts, heldText(held, SHARED_RUN_OF_TEXT), leaveOut);
}

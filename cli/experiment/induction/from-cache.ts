import { type ExplainedStyle, type InStyle, isExecutable } from '../../../explanations/index.js';
import { openTokenizer, type Reader, UsageError } from '../../../harness/index.js';
import {
  type ActivationCache,
  contextsOfCorpus,
  largestActivations,
  otherThan,
  type SparseCoder,
} from '../../../replacements/index.js';
import { activationsIdentity } from '../activations.js';
import type { Explaining } from '../explanations.js';
import type { Watched } from '../progress.js';
import { explainerExtras } from './extras.js';
import { explainWatched } from './in-thread.js';
import { madeFrom } from './provenance.js';

/** A coder at its hookpoint, and a cache that says what its latents did. */
interface CachedSource {
  readonly reader: Reader;
  readonly coder: SparseCoder;
  readonly cache: ActivationCache;
  readonly seed: number;
}

/** @throws {UsageError} `CACHE_OF_OTHERS` for a cache of another model, coder or hookpoint */
export async function checkCache({
  reader,
  coder,
  cache,
}: Pick<CachedSource, 'reader' | 'coder' | 'cache'>): Promise<void> {
  // The text is the cache's own business.
  const { text: _, ...wanted } = await activationsIdentity({ reader, coder, contexts: [] });
  const other = otherThan(wanted, cache.identity);
  if (other === null) return;
  const { modelName, hookpoint, latents } = cache.identity;
  throw new UsageError(
    'CACHE_OF_OTHERS',
    `${cache.folder} was filled for another ${other}: it has ${latents} latents at ${hookpoint} of ${modelName}.`,
    'Fill one for this model and coder with `partial-rewrite cache`.',
  );
}

/**
 * Explanations from a cache of activations, without running the model up to the hookpoint again. Text is in memory, and no
 * more activations at a time than a part of the latents has, unless the style compares latents.
 */
export async function explainCached(
  { reader, coder, cache, seed }: CachedSource,
  { style, maxTokens }: Explaining,
  watched: Watched,
): Promise<{ readonly explanations: InStyle<ExplainedStyle>[]; readonly scale: Float32Array }> {
  const { model, hookpoint } = reader;
  const { corpus, folder } = cache;
  const scale = await largestActivations(cache);
  const tokenizer = await openTokenizer(model.folder);
  const first = { ...corpus, ids: corpus.ids.slice(0, 1) };
  const [context] = contextsOfCorpus(first, (id) => tokenizer.surface(id));
  if (context === undefined) throw new RangeError(`${folder} has no contexts`);
  const extras = await explainerExtras(style, { reader, coder, context, scale }, watched);
  const explanations = await explainWatched(
    {
      style,
      evidence: {
        kind: 'cached',
        folder,
        tokenizer: model.folder,
        beside: { hookpoint: hookpoint.id, latentScale: scale, ...extras },
      },
      options: { maxTokens, seed, provenance: madeFrom(coder, corpus.ids) },
      tokenizer: isExecutable(style) ? null : model.folder,
    },
    coder.spec.latents,
    watched,
  );
  return { explanations, scale };
}

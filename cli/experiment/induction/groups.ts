import { type ExplainedStyle, type ExplainerEvidence, explainerNeeds } from '../../../explanations/index.js';
import { openTokenizer } from '../../../harness/index.js';
import { contextsOfCorpus, latentGroups, openCache } from '../../../replacements/index.js';
import type { CachedEvidence } from './in-thread.js';

/** Evidence of latents `[from, to)`: the others do not fire in it. */
export interface EvidenceGroup {
  readonly from: number;
  readonly to: number;
  readonly of: ExplainerEvidence;
}

/** Firings that are in memory at once, where latents can be explained group by group: a third of a gigabyte. */
const MOST_FIRINGS = 2 ** 24;

/**
 * Evidence from a cache for one call of an explainer after the other: of as many latents as fit in memory, or of all where
 * the explainer looks at what similar latents do.
 */
export async function* cachedEvidence(
  style: ExplainedStyle,
  evidence: CachedEvidence,
  mostFirings: number = MOST_FIRINGS,
): AsyncGenerator<EvidenceGroup> {
  const { folder, tokenizer: tokenizerFolder, beside } = evidence;
  const cache = await openCache(folder);
  const tokenizer = await openTokenizer(tokenizerFolder);
  const contexts = contextsOfCorpus(cache.corpus, (id) => tokenizer.surface(id));
  const most = explainerNeeds(style).includes('neighbours') ? Number.POSITIVE_INFINITY : mostFirings;
  for await (const { from, to, activations } of latentGroups(cache, most)) {
    yield { from, to, of: { ...beside, contexts, activations } };
  }
}

import { type Reader, sha256 } from '../../../harness/index.js';
import {
  type ActivationCache,
  type CoderEvidence,
  largestActivations,
  type SparseCoder,
} from '../../../replacements/index.js';
import { cachedActivations } from '../activations.js';
import { contentKey } from '../cache.js';
import type { Watched } from '../progress.js';

/** What is explained: a coder at its hookpoint, and what its latents did on the evidence. */
export interface WritingSource {
  readonly reader: Reader;
  readonly coder: SparseCoder;
  readonly seed: number;
  /** Ids of the contexts of the evidence. */
  readonly contexts: readonly string[];
  /** `[latent]`: largest activation in the evidence; those with 0 get no explanation. */
  readonly scale: Float32Array;
  /** Names what all latents did. */
  readonly content: string;
  /** On disk, to draw examples from; filled first where they are not there yet. */
  activations(cache: string, watched: Watched): Promise<ActivationCache>;
}

/** Evidence that was collected. As for programs, the activations themselves decide what is written. */
export function sourceOfEvidence({
  reader,
  coder,
  evidence,
  seed,
}: Pick<WritingSource, 'reader' | 'coder' | 'seed'> & {
  readonly evidence: Pick<CoderEvidence, 'contexts' | 'activations' | 'scale'>;
}): WritingSource {
  const { contexts, scale } = evidence;
  const { rows, ids, values } = evidence.activations;
  const bytes = [rows, ids, values].map((each) => new Uint8Array(each.buffer, each.byteOffset, each.byteLength));
  return {
    reader,
    coder,
    seed,
    contexts: contexts.map(({ id }) => id),
    scale,
    content: sha256(...bytes),
    activations: (cache, watched) =>
      cachedActivations({ reader, coder, contexts }, { folder: undefined, cache }, watched),
  };
}

/** A cache of activations, which is filled already. */
export async function sourceOfCache({
  reader,
  coder,
  cache,
  seed,
}: Pick<WritingSource, 'reader' | 'coder' | 'seed'> & { readonly cache: ActivationCache }): Promise<WritingSource> {
  return {
    reader,
    coder,
    seed,
    contexts: cache.corpus.ids,
    scale: await largestActivations(cache),
    content: contentKey(cache.identity),
    activations: async () => cache,
  };
}

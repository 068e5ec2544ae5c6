import pLimit from 'p-limit';
import { openTokenizer } from '../../../harness/index.js';
import { decoderNeighbours, drawFromCache, type LatentEvidence, splitEvidence } from '../../../replacements/index.js';
import type { Watched } from '../progress.js';
import { WRITING_DRAW } from './config.js';
import type { WritingSource } from './source.js';

/** Draws the examples of one latent after the other. */
export interface EvidenceDrawer {
  of(latent: number): Promise<LatentEvidence>;
  dispose(): Promise<void>;
}

/** Caches the activations over the evidence, and prepares to draw from them. */
export async function openDrawer(source: WritingSource, cache: string, watched: Watched): Promise<EvidenceDrawer> {
  const { reader, coder, scale, seed } = source;
  const activations = await source.activations(cache, watched);
  const tokenizer = await openTokenizer(reader.model.folder);
  const neighbours = await decoderNeighbours(reader.model.parts.runtime, coder.spec);
  const drawer = drawFromCache(activations, neighbours, (token) => tokenizer.surface(token), WRITING_DRAW);
  // One after the other: drawing computes without a pause, and what was drawn early would only wait.
  const inTurn = pLimit(1);
  return {
    of: (latent) =>
      inTurn(async () =>
        splitEvidence(await drawer.of(latent, { seed }), {
          hookpoint: reader.hookpoint.id,
          scale: scale[latent]!,
          seed,
        }),
      ),
    dispose: () => neighbours.dispose(),
  };
}

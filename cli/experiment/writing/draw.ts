import pLimit from 'p-limit';
import { openTokenizer, type Reader } from '../../../harness/index.js';
import {
  type CoderEvidence,
  decoderNeighbours,
  drawFromCache,
  type LatentEvidence,
  type SparseCoder,
  splitEvidence,
} from '../../../replacements/index.js';
import { cachedActivations } from '../activations.js';
import type { Watched } from '../progress.js';
import { WRITING_DRAW } from './config.js';

/** What is explained: a coder at its hookpoint, and what its latents did on the evidence. */
export interface WritingSource {
  readonly reader: Reader;
  readonly coder: SparseCoder;
  readonly evidence: Pick<CoderEvidence, 'contexts' | 'activations' | 'scale'>;
  readonly seed: number;
}

/** Draws the examples of one latent after the other. */
export interface EvidenceDrawer {
  of(latent: number): Promise<LatentEvidence>;
  dispose(): Promise<void>;
}

/** Caches the activations over the evidence, and prepares to draw from them. */
export async function openDrawer(
  { reader, coder, evidence, seed }: WritingSource,
  cache: string,
  watched: Watched,
): Promise<EvidenceDrawer> {
  const { contexts, scale } = evidence;
  const activations = await cachedActivations({ reader, coder, contexts }, { folder: undefined, cache }, watched);
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

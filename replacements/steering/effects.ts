import type { Context, Reader } from '../../harness/index.js';
import type { SparseCoder } from '../coders/sparse-coder.js';
import { aloneAt, decoderEffects } from '../evidence/promoted.js';

/**
 * What each latent adds to its component's output at its largest activation.
 * @param context text of at least one token; it matters only where the coder normalises what it decodes
 * @param largest by latent, above 0
 * @returns `[model]` by latent
 */
export async function latentEffects(
  reader: Reader,
  coder: SparseCoder,
  context: Context,
  largest: ReadonlyMap<number, number>,
): Promise<ReadonlyMap<number, Float32Array>> {
  const effects = await decoderEffects(reader, coder, context);
  const scale = new Float32Array(coder.spec.latents);
  for (const [latent, activation] of largest) scale[latent] = activation;
  const found = new Map<number, Float32Array>();
  for (const latent of largest.keys()) {
    found.set(latent, await effects(aloneAt([latent], scale, coder.spec.latents)));
  }
  return found;
}

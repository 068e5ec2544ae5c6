import type { Explanation } from '../../../explanations/index.js';
import { seededRandom, UsageError } from '../../../harness/index.js';

/**
 * Gives every latent the explanation of another one, by a random cycle through all of them (Sattolo): what explanations
 * are worth that are about the same model, in the same words, but about the wrong latents.
 * Scales and calibrations stay with the latent.
 * @throws {UsageError} where there is only one explanation
 * @see Sattolo 1986, https://doi.org/10.1016/0020-0190(86)90073-6
 */
export function shuffleExplanations<E extends Explanation>(
  explanations: ReadonlyMap<number, E>,
  seed: string | number,
): Map<number, E> {
  const latents = [...explanations.keys()].sort((a, b) => a - b);
  if (latents.length === 1) {
    throw new UsageError(
      'NOTHING_TO_SHUFFLE',
      'control-shuffled was asked for a single explanation.',
      'Explain at least two latents, or leave the control out.',
    );
  }
  const random = seededRandom(seed);
  const donors = [...latents];
  for (let i = donors.length - 1; i > 0; i--) {
    // Below i, never i itself: that makes it one cycle, so nothing stays in place.
    const j = random.integer(i);
    [donors[i], donors[j]] = [donors[j]!, donors[i]!];
  }
  return new Map(latents.map((latent, i) => [latent, { ...explanations.get(donors[i]!)!, latent }]));
}

import { type Explanation, explanationSchema } from '../../explanations/index.js';
import type { LatentActivations } from '../../harness/index.js';
import type { SparseCoder } from '../coders/sparse-coder.js';
import type { LatentPredictor } from '../predictor.js';
import { type Simulator, scripted, synthetic } from '../simulated/index.js';
import { scaledRatings, simulatedPredictor } from '../simulated/predictor.js';
import { type Truth, truthOf } from '../truth.js';

/** For tests: predictors of a tiny coder's latents. */

/** What is said of each latent in these tests: `latent 3`. */
export function namedExplanations(latents: Iterable<number>): Map<number, Explanation> {
  return new Map(
    Array.from(latents, (latent) => [
      latent,
      explanationSchema.parse({
        style: 'sentence',
        hookpoint: 'layers.1.mlp',
        latent,
        text: `latent ${latent}`,
        provenance: { by: 'test' },
      }),
    ]),
  );
}

export function predictorOf(
  coder: SparseCoder,
  simulator: Simulator,
  scale: Float32Array,
  explanations: ReadonlyMap<number, Explanation> = namedExplanations(scale.keys()),
  truth: Truth = truthOf(coder),
): LatentPredictor {
  const ratings = scaledRatings(simulator, explanations, scale, truth);
  return simulatedPredictor(simulator.id, ratings, explanations.keys(), coder.spec.latents, new Map());
}

/** Says exactly what the coder's own encoder says, by way of ratings. */
export function perfectOracle(scale: Float32Array): Simulator {
  const options = { sensitivity: 1, specificity: 1, magnitudeCorrelation: 1, falseAlarms: 'own', seed: 1 } as const;
  return synthetic(options, { scale, observed: Array.from(scale, () => Float32Array.of(1)) });
}

/** Answers `rating` to everything but some pairs. */
export function mostlyAnswered(
  latents: readonly number[],
  texts: readonly string[],
  rating: (latent: number, text: number) => number | 'refused',
): ReturnType<typeof scripted> {
  return scripted(
    Object.fromEntries(
      latents.map((latent) => [
        `latent ${latent}`,
        Object.fromEntries(texts.map((text, at) => [text, rating(latent, at)])),
      ]),
    ),
  );
}

/** A table instead of a simulator. */
export function fixedPredictor(latents: number, activations: LatentActivations): LatentPredictor {
  return {
    name: 'fixed',
    covers: new Uint8Array(latents).fill(1),
    asksRatings: false,
    predict: async () => ({ activations, missing: [] }),
  };
}

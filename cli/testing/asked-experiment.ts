import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageFolder } from '../package.js';
import { SMALL, WORLD, writeExperiment } from './small-experiment.js';

/** How much an endpoint is asked: every latent at one position of each context. */
export interface AskedSize {
  readonly latents: number;
  readonly calibrationContexts: number;
  readonly evaluationContexts: number;
  /** Calls at once. */
  readonly concurrency?: number;
}

/**
 * Writes an experiment that is quick but for its questions to the endpoint of `OPENAI_BASE_URL`: the embedded model, its
 * own transcoder, a few explained latents, few arms.
 * @param changes keys of the experiment, `simulator` keys of its simulator, that are other than here
 * @returns the file's path, and how many queries its run sends
 */
export function writeAskedExperiment(
  folder: string,
  name: string,
  { latents, calibrationContexts, evaluationContexts, concurrency = 4 }: AskedSize,
  changes: Readonly<Record<string, unknown>> = {},
  simulator: Readonly<Record<string, unknown>> = {},
): { readonly file: string; readonly queries: number } {
  const explanations = Array.from({ length: latents }, (_, latent) => ({
    hookpoint: SMALL.hookpoint,
    latent,
    style: 'sentence',
    text: `Fires on things of kind ${latent}.`,
    provenance: { by: 'hand' },
  }));
  writeFileSync(join(folder, `${name}.jsonl`), explanations.map((each) => `${JSON.stringify(each)}\n`).join(''));
  const file = writeExperiment(folder, name, {
    ...SMALL,
    texts: {
      evidence: { path: WORLD.evidence, from: 0, to: 4 },
      calibration: { path: WORLD.evidence, from: 30, to: 36, contexts: calibrationContexts },
      // A document fills five contexts and more: those beyond would only be tokenized.
      evaluation: {
        path: WORLD.evaluation,
        from: 0,
        to: 2 + Math.ceil(evaluationContexts / 5),
        contexts: evaluationContexts,
      },
    },
    coder: { sparsify: join(packageFolder(), 'fixtures', 'world', 'coders', 'transcoder', SMALL.hookpoint) },
    simulated: [
      {
        style: 'sentence',
        simulator: { kind: 'openai', model: 'm', concurrency, ...simulator },
        explanations: { file: `${name}.jsonl` },
        calibrations: ['linear'],
        fractions: [1],
        shuffled: false,
      },
    ],
    controls: { ngram: [], meanLatents: false },
    resamples: 50,
    ...changes,
  });
  return { file, queries: latents * (calibrationContexts + evaluationContexts) };
}

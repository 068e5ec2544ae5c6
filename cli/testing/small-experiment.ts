import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { packageFolder } from '../package.js';

const world = join(packageFolder(), 'fixtures', 'world');

/** The embedded model and texts, by absolute path. */
export const WORLD = {
  model: join(world, 'model'),
  evidence: join(world, 'texts', 'evidence.json'),
  evaluation: join(world, 'texts', 'evaluation.json'),
};

/** An experiment of some seconds on the embedded model; its coder is trained in one, and is not a good one. */
export const SMALL = {
  model: WORLD.model,
  hookpoint: 'layers.1.mlp',
  protocol: 'last',
  context: { min: 16, max: 32 },
  texts: {
    evidence: { path: WORLD.evidence, from: 0, to: 30 },
    calibration: { path: WORLD.evidence, from: 30, to: 36 },
    evaluation: { path: WORLD.evaluation, from: 0, to: 20, contexts: 40 },
  },
  coder: { train: { latents: 32, k: 4, epochs: 1, batch: 256 } },
  simulated: [
    {
      simulator: { kind: 'executable' },
      explanations: { induce: { maxTokens: 6 } },
      calibrations: ['linear', 'none'],
      fractions: [0.5, 1],
    },
  ],
  controls: { ngram: [1] },
  resamples: 200,
} as const;

/** Writes an experiment file and returns its path. */
export function writeExperiment(folder: string, name: string, experiment: unknown): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${name}.yaml`);
  writeFileSync(path, stringify(experiment));
  return path;
}

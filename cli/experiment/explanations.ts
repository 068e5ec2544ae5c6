import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { writeWhole } from '../../eval/index.js';
import { type Explanation, formatExplanations, inducePatterns, readExplanations } from '../../explanations/index.js';
import type { CutModel } from '../../harness/index.js';
import type { CoderEvidence, SparseCoder } from '../../replacements/index.js';
import { contentKey } from './cache.js';
import type { Progress } from './progress.js';

interface Explained {
  readonly cut: CutModel;
  readonly coder: SparseCoder;
  readonly evidence: CoderEvidence;
  readonly seed: number;
}

/** Induces a pattern for every latent that fires in the evidence. */
export function inducedPatterns(
  { cut, coder, evidence, seed }: Explained,
  maxTokens: number,
  progress: Progress,
): Explanation[] {
  const bar = progress(
    `Explaining ${coder.spec.latents} latents in at most ${maxTokens} tokens`,
    coder.spec.latents,
    'latents',
  );
  const explanations = inducePatterns({
    contexts: evidence.contexts,
    activations: evidence.activations,
    hookpoint: cut.hookpoint.id,
    latentScale: evidence.scale,
    maxTokens,
    seed,
    provenance: { coder: coder.spec.id },
    onLatent: (done) => bar.at(done),
  });
  bar.end();
  return explanations;
}

/** Patterns by latent: induced on first use and cached by the content of coder and evidence. */
export async function inducedOrCached(
  explained: Explained,
  maxTokens: number,
  cache: string,
  progress: Progress,
): Promise<ReadonlyMap<number, Explanation>> {
  const { cut, coder, evidence, seed } = explained;
  const key = contentKey(
    'pattern@1',
    coder.spec.id,
    { maxTokens },
    seed,
    evidence.contexts.map(({ id }) => id),
  );
  const path = join(cache, 'explanations', `${key}.jsonl`);
  if (!existsSync(path)) await writeWhole(path, formatExplanations(inducedPatterns(explained, maxTokens, progress)));
  const limits = { hookpoint: cut.hookpoint.id, latents: coder.spec.latents };
  return new Map((await readExplanations(path, limits)).map((each) => [each.latent, each]));
}

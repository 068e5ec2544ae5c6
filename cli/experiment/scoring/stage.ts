import { type Context, openReader, type Reader } from '../../../harness/index.js';
import { type CoderEvidence, collectEvidence, type SparseCoder } from '../../../replacements/index.js';
import { trainedCoder } from '../coder.js';
import type { Watched } from '../progress.js';
import type { Experiment } from '../schema.js';
import type { Survey } from '../survey.js';
import type { ExperimentTexts } from '../texts.js';

/** One hookpoint, as far as scores need it: nothing behind it is opened, for nothing is rewritten. */
export interface ScoringStage {
  readonly experiment: Experiment;
  readonly reader: Reader;
  readonly coder: SparseCoder;
  readonly texts: ExperimentTexts;
  /** Collected when first asked for: only explanations that are still to be induced are made of it. */
  evidence(): Promise<CoderEvidence>;
}

/** Coders are read or trained; the model runs up to each hookpoint when it is needed. */
export async function openScoringStages(
  { experiment, model, texts, rewrites }: Survey,
  { cache, progress, signal }: Watched & { readonly cache: string },
): Promise<readonly ScoringStage[]> {
  const stages: ScoringStage[] = [];
  for (const { hookpoint, coder: found } of rewrites) {
    const reader = await openReader(model, hookpoint);
    const { coder } =
      found.kind === 'given'
        ? found
        : await trainedCoder(found.recipe, reader, texts.training.contexts, cache, { progress, signal });
    const collect = async (): Promise<CoderEvidence> => {
      const { contexts } = texts.evidence;
      const bar = progress(`Collecting evidence at ${hookpoint.id}`, contexts.length, 'contexts');
      const read = (batch: readonly Context[]) => reader.read(batch, signal);
      const evidence = await collectEvidence(read, coder, contexts, experiment.seed, (done) => bar.at(done));
      bar.end();
      return evidence;
    };
    let collected: Promise<CoderEvidence> | undefined;
    stages.push({
      experiment,
      reader,
      coder,
      texts,
      evidence() {
        collected ??= collect();
        return collected;
      },
    });
  }
  return stages;
}

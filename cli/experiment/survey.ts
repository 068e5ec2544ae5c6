import { type Explanation, readExplanations } from '../../explanations/index.js';
import { type Hookpoint, type Model, openModel, openTokenizer } from '../../harness/index.js';
import { openCoder, readSparsify, type SparseCoder, type TrainRecipe } from '../../replacements/index.js';
import { type Explained, type Plan, planRun } from './plan.js';
import type { Experiment, SimulatedConfig } from './schema.js';
import { type ExperimentTexts, readExperimentTexts } from './texts.js';

/** A coder that is there, loaded for the hookpoint, or the recipe of one. */
export type SurveyedCoder =
  | { readonly kind: 'given'; readonly coder: SparseCoder; readonly folder: string }
  | { readonly kind: 'recipe'; readonly recipe: TrainRecipe };

/** An experiment's inputs, opened and held against each other, before anything expensive is done with them. */
export interface Survey {
  readonly texts: ExperimentTexts;
  readonly model: Model;
  readonly hookpoint: Hookpoint;
  readonly coder: SurveyedCoder;
  /** By latent, one entry for each of `experiment.simulated`; `null` where they are induced or none are read. */
  readonly explanations: readonly (ReadonlyMap<number, Explanation> | null)[];
  readonly plan: Plan;
  dispose(): Promise<void>;
}

async function openGivenCoder({ coder }: Experiment, { parts }: Model, hookpoint: Hookpoint): Promise<SurveyedCoder> {
  if ('train' in coder) return { kind: 'recipe', recipe: coder.train };
  const folder = coder.sparsify;
  return { kind: 'given', coder: await openCoder(parts.runtime, await readSparsify(folder), hookpoint), folder };
}

async function readGiven(
  { explanations, style }: SimulatedConfig,
  hookpoint: string,
  latents: number,
): Promise<ReadonlyMap<number, Explanation> | null> {
  if (style === null || explanations === null || !('file' in explanations)) return null;
  const all = await readExplanations(explanations.file, { hookpoint, latents });
  return new Map(all.filter((each) => each.style === style).map((each) => [each.latent, each]));
}

/**
 * Reads texts, the model's graph, the coder and explanations, and counts what a run would do. No weight of the model is
 * loaded and nothing is computed: every mistake that can be found so is found in the first seconds.
 * @throws {UsageError} for the first input that is missing, damaged or does not fit the others
 */
export async function surveyExperiment(experiment: Experiment): Promise<Survey> {
  const named = experiment.tensors ? [{ hookpoint: experiment.hookpoint, ...experiment.tensors }] : [];
  const model = openModel(experiment.model, { hookpoints: named });
  try {
    const hookpoint = model.hookpoint(experiment.hookpoint);
    const coder = await openGivenCoder(experiment, model, hookpoint);
    const { latents } = coder.kind === 'given' ? coder.coder.spec : coder.recipe;
    const explanations: (ReadonlyMap<number, Explanation> | null)[] = [];
    for (const config of experiment.simulated) explanations.push(await readGiven(config, hookpoint.id, latents));
    const texts = await readExperimentTexts(await openTokenizer(experiment.model), experiment);
    const explained = explanations.map((given): Explained => (given ? { given, width: latents } : { atMost: latents }));
    const plan = planRun(experiment, texts, explained);
    return { texts, model, hookpoint, coder, explanations, plan, dispose: () => model.dispose() };
  } catch (error) {
    await model.dispose();
    throw error;
  }
}

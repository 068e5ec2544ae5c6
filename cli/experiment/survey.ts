import { describeAltered, describeUnmatched, type Explanation, readExplanationFile } from '../../explanations/index.js';
import {
  type Hookpoint,
  type Model,
  openModel,
  openTokenizer,
  type Tokenizer,
  UsageError,
} from '../../harness/index.js';
import {
  type CoderSpec,
  openCoder,
  type QueryShape,
  readCoder,
  readSparsify,
  type SparseCoder,
  type TrainRecipe,
} from '../../replacements/index.js';
import type { FetchOptions } from '../hub/index.js';
import type { Io } from '../io.js';
import { cacheFolder } from './cache.js';
import { refuseExplainedByHeld } from './contamination.js';
import type { FetchedSource } from './fetched.js';
import { fetchedExperiment } from './fetched-experiment.js';
import { readForecast } from './forecast.js';
import { type Explained, type Plan, planRun } from './plan.js';
import { type CoderConfig, type Experiment, type RewriteConfig, type SimulatedConfig, writingOf } from './schema.js';
import { chosenSimulator } from './simulators/index.js';
import { type ExperimentTexts, readExperimentTexts } from './texts.js';

/** Where runs leave their results unless they are told otherwise, and where plans look for earlier ones. */
const RESULTS = 'results';

export type SurveyOptions = FetchOptions & Pick<Io, 'threads'>;

/** A coder that is there, loaded for its hookpoint, or the recipe of one. */
export type SurveyedCoder =
  | { readonly kind: 'given'; readonly coder: SparseCoder; readonly folder: string }
  | { readonly kind: 'recipe'; readonly recipe: TrainRecipe };

/** One place of the model that is to be rewritten. */
export interface SurveyedRewrite {
  readonly hookpoint: Hookpoint;
  readonly coder: SurveyedCoder;
  /** By latent, one entry for each of `experiment.simulated`; `null` where they are induced or none are read. */
  readonly explanations: readonly (ReadonlyMap<number, Explanation> | null)[];
}

/** An experiment's inputs, opened and held against each other, before anything expensive is done with them. */
export interface Survey {
  /** The experiment with paths in place of references to the hub. */
  readonly experiment: Experiment;
  readonly sources: readonly FetchedSource[];
  readonly texts: ExperimentTexts;
  readonly model: Model;
  readonly tokenizer: Tokenizer;
  readonly rewrites: readonly SurveyedRewrite[];
  /** How each of `experiment.simulated` puts its questions; `null` for those that ask nobody. */
  readonly shapes: readonly (QueryShape | null)[];
  readonly plan: Plan;
  /** What was left out of what was given, a line each, for the user. */
  readonly notes: readonly string[];
  dispose(): Promise<void>;
}

/** A coder's weights and settings with the folder they are from; `null` for a recipe. */
async function readGivenCoder(
  config: CoderConfig,
  hookpoint: string,
): Promise<{ readonly spec: CoderSpec; readonly folder: string } | null> {
  if ('sparsify' in config) return { spec: await readSparsify(config.sparsify), folder: config.sparsify };
  if (!('path' in config)) return null;
  const { path, ...options } = config;
  return { spec: await readCoder(path, { hookpoint, ...options }), folder: path };
}

/** A coder decides what is read and written at its hookpoint; a recipe takes the component's own input and output. */
async function openRewrite(
  model: Model,
  { hookpoint: id, coder }: RewriteConfig,
): Promise<Pick<SurveyedRewrite, 'hookpoint' | 'coder'>> {
  const given = await readGivenCoder(coder, id);
  if (given === null) {
    if (!('train' in coder)) throw new Error('a coder is given or trained');
    return { hookpoint: model.hookpoint(id), coder: { kind: 'recipe', recipe: coder.train } };
  }
  const { spec, folder } = given;
  const hookpoint = model.hookpoint(id, { reads: spec.reads, writes: spec.writes });
  return { hookpoint, coder: { kind: 'given', coder: await openCoder(model.parts.runtime, spec, hookpoint), folder } };
}

const latentsOf = (coder: SurveyedCoder): number =>
  coder.kind === 'given' ? coder.coder.spec.latents : coder.recipe.latents;

/** What a file of explanations holds for one entry of `simulated`, at all hookpoints. */
interface GivenExplanations {
  readonly explanations: readonly Explanation[];
  /** What was left out of the file, and what was not taken word for word. */
  readonly notes: readonly string[];
}

/**
 * @returns `null` for an entry that gives no file
 * @throws {UsageError} where nothing in the file can be used, or nothing is of the entry's style
 */
async function readGiven(
  { explanations: source, style }: SimulatedConfig,
  coders: ReadonlyMap<string, number>,
): Promise<GivenExplanations | null> {
  if (style === null || source === null || !('file' in source)) return null;
  const read = await readExplanationFile(source.file, { coders });
  const explanations = read.explanations.filter((each) => each.style === style);
  if (explanations.length === 0) {
    const there = [...new Set(read.explanations.map((each) => each.style))].join(', ');
    throw new UsageError(
      'NO_SUCH_STYLE',
      `${source.file} has no explanation in the style ${style}; there is ${there}.`,
      "Set the entry's `style` to what the file has.",
    );
  }
  const told = [...describeUnmatched(read.unmatched), ...describeAltered(read.altered)];
  return { explanations, notes: told.map((line) => `${source.file}: ${line}`) };
}

/**
 * Fetches what lies on the hub, reads texts, the model's graph, coders and explanations, and counts what a run would do.
 * No weight of the model is loaded and nothing is computed: every mistake that can be found so is found in the first
 * seconds.
 * @throws {UsageError} for the first input that is missing, damaged or does not fit the others
 */
export async function surveyExperiment(written: Experiment, options: SurveyOptions): Promise<Survey> {
  const { experiment, sources } = await fetchedExperiment(written, options);
  const named = experiment.rewrites.flatMap(({ hookpoint, tensors }) => (tensors ? [{ hookpoint, ...tensors }] : []));
  const model = openModel(experiment.model, { hookpoints: named, threads: options.threads });
  try {
    const opened: Pick<SurveyedRewrite, 'hookpoint' | 'coder'>[] = [];
    for (const rewrite of experiment.rewrites) opened.push(await openRewrite(model, rewrite));
    const coders = new Map(opened.map(({ hookpoint, coder }) => [hookpoint.id, latentsOf(coder)]));
    const given: (GivenExplanations | null)[] = [];
    for (const config of experiment.simulated) given.push(await readGiven(config, coders));
    const rewrites = opened.map(
      (each): SurveyedRewrite => ({
        ...each,
        explanations: given.map(
          (all) =>
            all &&
            new Map(
              all.explanations
                .filter(({ hookpoint }) => hookpoint === each.hookpoint.id)
                .map((one) => [one.latent, one]),
            ),
        ),
      }),
    );
    const tokenizer = await openTokenizer(model.folder);
    const texts = await readExperimentTexts(tokenizer, experiment);
    for (const [index, { explanations }] of experiment.simulated.entries()) {
      const all = given[index];
      if (all && explanations !== null && 'file' in explanations) {
        refuseExplainedByHeld(all.explanations, explanations.file, texts.held);
      }
    }
    const explained = experiment.simulated.map((config, index) =>
      rewrites.map(({ coder, explanations }): Explained => {
        const of = explanations[index];
        const width = latentsOf(coder);
        return of ? { given: of, width } : { atMost: Math.min(width, writingOf(config)?.latents ?? width) };
      }),
    );
    const asks = experiment.simulated.map(({ simulator }) => chosenSimulator(simulator).asks);
    const shapes = await Promise.all(asks.map((each) => each?.shape() ?? null));
    const forecast = await readForecast(cacheFolder(options.environment), RESULTS, experiment.name, {
      model: model.name,
      hookpoints: rewrites.map(({ hookpoint }) => hookpoint.id),
      protocol: experiment.protocol,
    });
    const plan = planRun(experiment, texts, explained, shapes, forecast);
    const notes = [...texts.notes, ...new Set(given.flatMap((each) => each?.notes ?? []))];
    return {
      experiment,
      sources,
      texts,
      model,
      tokenizer,
      rewrites,
      shapes,
      plan,
      notes,
      dispose: () => model.dispose(),
    };
  } catch (error) {
    await model.dispose();
    throw error;
  }
}

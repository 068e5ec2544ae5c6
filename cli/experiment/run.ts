import { join } from 'node:path';
import {
  type Examples,
  measureArms,
  openJournal,
  type RunArm,
  type Summary,
  summarize,
  writeResult,
} from '../../eval/index.js';
import type { Explanation } from '../../explanations/index.js';
import { openCut } from '../../harness/index.js';
import { collectEvidence, truthOf } from '../../replacements/index.js';
import {
  baselineArms,
  ngramArms,
  type OpenSimulated,
  type ScoredPredictor,
  type Stage,
  simulatedArms,
} from './arms.js';
import { contentKey } from './cache.js';
import { trainedCoder } from './coder.js';
import { inducedOrCached } from './explanations.js';
import { scoreLatents, worstLatents } from './latents.js';
import { describeRun } from './manifest.js';
import { type Plan, planRun } from './plan.js';
import type { Progress } from './progress.js';
import { writeReport } from './report.js';
import type { Experiment, SimulatedConfig } from './schema.js';
import { type AnswerStore, answerStore, chosenSimulator, type Environment, openSimulator } from './simulators/index.js';
import { type Survey, surveyExperiment } from './survey.js';

export interface RunOptions {
  /** Folder that the result is written to. */
  readonly out: string;
  readonly cache: string;
  readonly environment: Environment;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly now: () => Date;
  /** Called with the plan before anything is asked of a paid simulator; throwing from it ends the run. */
  readonly onPlan: (plan: Plan) => Promise<void>;
}

export interface RunOutcome {
  readonly summary: Summary;
  readonly folder: string;
  readonly partial: boolean;
}

/** A latent that no explanation is read for still has to be named to a simulator that looks at the truth. */
function unexplained(hookpoint: string, latents: number): ReadonlyMap<number, Explanation> {
  const provenance = { by: 'nobody' };
  return new Map(
    Array.from({ length: latents }, (_, latent) => [
      latent,
      { hookpoint, latent, style: 'pattern', rules: [], provenance },
    ]),
  );
}

/** What the evidence was collected with: the model cut and its wiring proved, the coder read or trained. */
async function openStage(experiment: Experiment, survey: Survey, { cache, progress, signal }: RunOptions) {
  const { model, texts } = survey;
  const cut = await openCut(model, survey.hookpoint);
  const { coder, folder } =
    survey.coder.kind === 'given'
      ? survey.coder
      : await trainedCoder(survey.coder.recipe, cut, texts.training.contexts, cache, { progress, signal });
  const { contexts } = texts.evidence;
  const bar = progress('Collecting evidence', contexts.length, 'contexts');
  const read = (batch: Parameters<typeof cut.read>[0]) => cut.read(batch, signal);
  const evidence = await collectEvidence(read, coder, contexts, experiment.seed, (done) => bar.at(done));
  bar.end();
  const stage: Stage = { experiment, cut, coder, evidence, texts, truth: truthOf(coder), signal };
  return { stage, coderFolder: folder };
}

async function openSimulated(
  config: SimulatedConfig,
  given: ReadonlyMap<number, Explanation> | null,
  stage: Stage,
  answers: AnswerStore,
  { cache, environment, progress, signal }: RunOptions,
): Promise<OpenSimulated> {
  const { coder, cut, evidence, experiment } = stage;
  const open = await openSimulator(config.simulator, { evidence, seed: experiment.seed, answers, environment });
  if (given !== null) return { config, explanations: given, open };
  const { explanations } = config;
  if (explanations === null || config.style === null || !('induce' in explanations)) {
    return { config, explanations: unexplained(cut.hookpoint.id, coder.spec.latents), open };
  }
  const explained = { cut, coder, evidence, seed: experiment.seed };
  const induced = await inducedOrCached(explained, explanations.induce.maxTokens, cache, { progress, signal });
  return { config, explanations: induced, open };
}

/**
 * Runs an experiment and writes `results/<run>/`. An abort keeps what is finished: the journal stays, and a run with
 * the same plan goes on where it stood.
 */
export async function runExperiment(experiment: Experiment, options: RunOptions): Promise<RunOutcome> {
  const { out, progress, signal } = options;
  const startedAt = options.now();
  for (const { simulator } of experiment.simulated) chosenSimulator(simulator).checkEnvironment(options.environment);
  const survey = await surveyExperiment(experiment);
  const answers = answerStore(options.cache);
  try {
    await options.onPlan(survey.plan);
    const { stage, coderFolder } = await openStage(experiment, survey, options);
    const { cut, coder, texts } = stage;
    const simulated: OpenSimulated[] = [];
    for (const [index, config] of experiment.simulated.entries()) {
      simulated.push(await openSimulated(config, survey.explanations[index]!, stage, answers, options));
    }
    const explained = simulated.map(({ explanations }) => ({ given: explanations, width: coder.spec.latents }));
    const plan = planRun(experiment, texts, explained);

    const arms: RunArm[] = [...baselineArms(stage), ...ngramArms(stage)];
    const scored: ScoredPredictor[] = [];
    for (const each of simulated) {
      const built = await simulatedArms(stage, each, progress);
      arms.push(...built.arms);
      scored.push(...built.scored);
    }
    const key = contentKey(
      plan.id,
      coder.spec.id,
      simulated.map(({ explanations }) => [...explanations.values()]),
    );
    const journal = await openJournal(join(out, 'journal.jsonl'), key);
    const bar = progress('Measuring', texts.evaluation.contexts.length, 'contexts');
    const { measurements, partial } = await measureArms({
      cut,
      protocol: experiment.protocol,
      contexts: texts.evaluation.contexts,
      arms,
      journal,
      inFlight: simulated.some(({ open }) => open.paid) ? 8 : 2,
      signal,
      onContext: (done) => bar.at(done),
    });
    bar.end();

    const summary = summarize(
      measurements,
      { model: cut.model.name, hookpoint: cut.hookpoint.id, protocol: experiment.protocol, partial },
      { seed: experiment.seed, resamples: experiment.resamples },
    );
    const norms = await coder.decoderNorms();
    const rows = partial ? [] : await scoreLatents(stage, scored, norms);
    const shown = scored.findIndex(({ simulated: { open } }) => !open.oracle);
    const none: Examples = { schema: 'partial-rewrite/examples@1', arm: null, latents: [] };
    const examples = shown < 0 || partial ? none : await worstLatents(stage, scored[shown]!, rows[shown]!);
    const manifest = await describeRun({ stage, coderFolder, plan, summary, simulated, startedAt, options });
    await writeResult(out, { summary, manifest, measurements, latents: rows.flat(), examples });
    await writeReport(out);
    if (!partial) await journal.remove();
    return { summary, folder: out, partial };
  } finally {
    try {
      await answers.close();
    } finally {
      await survey.dispose();
    }
  }
}

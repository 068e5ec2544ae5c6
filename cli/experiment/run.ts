import { join } from 'node:path';
import {
  type Examples,
  findWinners,
  type LatentRow,
  measureArms,
  noJournal,
  openJournal,
  type RunArm,
  type Sampling,
  type Summary,
  summarize,
  writeResult,
} from '../../eval/index.js';
import type { CountTokens } from '../../explanations/index.js';
import { filesOf, sha256OfFile } from '../../harness/index.js';
import { BudgetReached } from '../../replacements/index.js';
import {
  acrossHookpoints,
  baselineArms,
  ngramArms,
  type OpenSimulated,
  type ScoredPredictor,
  type Stage,
  simulatedArms,
} from './arms.js';
import { sharedBudget } from './budget.js';
import { contentKey } from './cache.js';
import { comparedEntry } from './entries.js';
import { scoreLatents, worstLatents } from './latents.js';
import { describeRun } from './manifest.js';
import { type Plan, planRun } from './plan.js';
import type { Progress } from './progress.js';
import { writeReport } from './report.js';
import { type Experiment, entryName, writingOf } from './schema.js';
import { chosenSimulator, type Environment, isOffline, sharedAnswers } from './simulators/index.js';
import { openSimulated, openStages } from './stages.js';
import { surveyExperiment } from './survey.js';
import { checkWriting } from './writing/config.js';

export interface RunOptions {
  /** Folder that the result is written to. */
  readonly out: string;
  readonly cache: string;
  readonly environment: Environment;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly threads?: number | undefined;
  readonly now: () => Date;
  /** One line for the user: an endpoint left aside, an alarm, a budget that is reached. */
  readonly note: (text: string) => void;
  /** Called with the plan before anything is asked of a paid simulator; throwing from it ends the run. */
  readonly onPlan: (plan: Plan) => Promise<void>;
}

export interface RunOutcome {
  readonly summary: Summary;
  readonly folder: string;
  readonly partial: boolean;
}

interface BuiltArms {
  readonly arms: readonly RunArm[];
  readonly scored: readonly ScoredPredictor[];
  readonly sampling: readonly Sampling[];
}

/** One entry of `simulated`. */
interface BuiltEntry {
  readonly name: string;
  readonly paid: boolean;
  /** One for each hookpoint; `null` where the budget did not reach its explanations or its calibration. */
  readonly atStages: readonly BuiltArms[] | null;
}

const isBudgetReached = (error: unknown): boolean => error instanceof BudgetReached;

/**
 * The arms of one entry of `simulated` at each hookpoint; `null` where the budget does not reach its calibration.
 * @param partly as `simulatedArms` takes it
 */
async function buildEntry(
  stages: readonly Stage[],
  simulated: readonly OpenSimulated[],
  partly: boolean,
  progress: Progress,
): Promise<readonly BuiltArms[] | null> {
  try {
    const built: BuiltArms[] = [];
    for (const [at, stage] of stages.entries()) {
      built.push(await simulatedArms(stage, simulated[at]!, partly, progress));
    }
    return built;
  } catch (error) {
    if (isBudgetReached(error)) return null;
    throw error;
  }
}

/** Every latent's scores over all hookpoints, and what is shown of the worst. */
async function lookAtLatents(
  stages: readonly Stage[],
  scoredAt: readonly (readonly ScoredPredictor[])[],
  count: CountTokens,
): Promise<{ readonly latents: LatentRow[]; readonly examples: Examples }> {
  const latents: LatentRow[] = [];
  /** Each entry under its first calibration. */
  const compared: LatentRow[] = [];
  let examples = NO_EXAMPLES;
  for (const [index, stage] of stages.entries()) {
    const scored = scoredAt[index]!;
    const rows = await scoreLatents(stage, scored, await stage.coder.decoderNorms(), count);
    latents.push(...rows.flat());
    const first = ({ simulated: { config, open }, calibration }: ScoredPredictor) =>
      config.style !== null && !open.oracle && calibration === config.calibrations[0];
    compared.push(...rows.filter((_, each) => first(scored[each]!)).flat());
    const shown = scored.findIndex(({ simulated: { open } }) => !open.oracle);
    if (shown < 0) continue;
    const worst = await worstLatents(stage, scored[shown]!, rows[shown]!);
    examples = { ...examples, arm: worst.arm, latents: [...examples.latents, ...worst.latents] };
  }
  return { latents, examples: { ...examples, winners: findWinners(compared, SHOWN_CONTESTS) } };
}

/** What a user reads when the budget ended a run. */
function describeBudgetEnd(unpaid: readonly string[]): string {
  const without = unpaid.length > 0 ? ` It did not suffice to measure ${unpaid.join(', ')}.` : '';
  return `The budget is reached.${without} All answers are kept: raise \`budget\` and run again.`;
}

const NO_EXAMPLES: Examples = { schema: 'partial-rewrite/examples@2', arm: null, latents: [], winners: null };
/** Latents on which entries differ most that the report shows. */
const SHOWN_CONTESTS = 12;

/**
 * Runs an experiment and writes `results/<run>/`. An abort keeps what is finished: the journal stays, and a run with
 * the same plan goes on where it stood.
 */
export async function runExperiment(written: Experiment, options: RunOptions): Promise<RunOutcome> {
  const { out, progress, signal } = options;
  const startedAt = options.now();
  for (const config of written.simulated) {
    chosenSimulator(config.simulator).checkEnvironment(options.environment);
    const writing = writingOf(config);
    if (writing !== null) checkWriting(writing, options.environment);
  }
  const survey = await surveyExperiment(written, options);
  const { experiment, sources, texts, rewrites } = survey;
  const answers = sharedAnswers(options.cache);
  const opened: (() => Promise<void>)[] = [];
  try {
    for (const line of survey.notes) options.note(line);
    await options.onPlan(survey.plan);
    const { cut, stages } = await openStages(survey, options);
    opened.push(
      ...stages.map(
        ({ basis }) =>
          () =>
            basis.dispose(),
      ),
    );
    const { spenderOf } = sharedBudget(experiment.budget, experiment.prices);
    const needs = { ...options, seed: experiment.seed, prices: experiment.prices, answers, spenderOf };
    const simulated: OpenSimulated[][] = [];
    for (const [at, stage] of stages.entries()) {
      const here: OpenSimulated[] = [];
      for (const [index, config] of experiment.simulated.entries()) {
        const planned = survey.plan.queries[index]!.queriesAt[at]!;
        const given = rewrites[at]!.explanations[index]!;
        const each = await openSimulated(config, given, stage, { ...needs, planned }, options);
        if (each.open.close) opened.push(each.open.close);
        here.push(each);
      }
      simulated.push(here);
    }
    const explained = experiment.simulated.map((_, index) =>
      stages.map(({ coder }, at) => ({ given: simulated[at]![index]!.explanations, width: coder.spec.latents })),
    );
    const plan = planRun(experiment, texts, explained, survey.shapes);

    const common = stages.map((stage): RunArm[] => [...baselineArms(stage), ...ngramArms(stage)]);
    const entries: BuiltEntry[] = [];
    for (const [index, config] of experiment.simulated.entries()) {
      const here = simulated.map((each) => each[index]!);
      const partly = explained[index]!.some(({ given, width }) => given.size < width);
      const complete = here.every((each) => each.complete);
      const atStages = complete ? await buildEntry(stages, here, partly, progress) : null;
      entries.push({ name: entryName(config), paid: here.some(({ open }) => open.paid), atStages });
    }
    const content = [
      plan.id,
      await Promise.all(filesOf(survey.model.parts.original).map(sha256OfFile)),
      sources.map(({ commit }) => commit),
      stages.map(({ coder }) => coder.spec.id),
      simulated.flat().map(({ explanations }) => [...explanations.values()]),
    ];
    const measureEntries = async (measured: readonly BuiltEntry[]) => {
      const built = stages.map((_, at) => measured.flatMap(({ atStages }) => (atStages ? [atStages[at]!] : [])));
      const arms = acrossHookpoints(
        stages,
        stages.map((_, at) => [...common[at]!, ...built[at]!.flatMap((each) => each.arms)]),
      );
      const key = contentKey(
        ...content,
        arms.map(({ description, replacements }) => [description.id, replacements?.length ?? 0]),
      );
      // Offline, what is missing may be imported before the run goes on: nothing is kept that would stay missing then.
      const journal = isOffline(options.environment) ? noJournal() : await openJournal(join(out, 'journal.jsonl'), key);
      const bar = progress('Measuring', texts.evaluation.contexts.length, 'contexts');
      const result = await measureArms({
        cut,
        protocol: experiment.protocol,
        contexts: texts.evaluation.contexts,
        arms,
        journal,
        inFlight: measured.some(({ paid }) => paid) ? 8 : 2,
        signal,
        endsRun: isBudgetReached,
        onContext: (done) => bar.at(done),
      });
      bar.end();
      const scored = built.map((each) => each.flatMap((one) => one.scored));
      return { ...result, journal, scored, sampling: built.flat().flatMap((one) => one.sampling) };
    };
    const reached = entries.filter(({ atStages }) => atStages !== null);
    let run = await measureEntries(reached);
    let unpaid = entries.filter(({ atStages }) => atStages === null);
    if (run.measurements.contexts.length === 0 && run.partial && !signal.aborted) {
      // The budget did not reach a single context: what is free can still be measured.
      unpaid = entries.filter(({ paid, atStages }) => paid || atStages === null);
      run = await measureEntries(reached.filter(({ paid }) => !paid));
    }
    const { measurements, journal, scored, sampling } = run;
    const partial = run.partial || unpaid.length > 0;
    if (partial && !signal.aborted) options.note(describeBudgetEnd(unpaid.map(({ name }) => name)));

    const hookpoint = cut.hookpoints.map(({ id }) => id).join(' + ');
    const countTokens: CountTokens = (text) => survey.tokenizer.encode(text, { special: false }).length;
    const compared = experiment.simulated.flatMap((_, index) => {
      const at = stages.map((stage, s) => ({ hookpoint: stage.reader.hookpoint.id, simulated: simulated[s]![index]! }));
      return comparedEntry(at, plan.queries[index]!, measurements, countTokens, cut.model.name);
    });
    const summary = summarize(
      measurements,
      { model: cut.model.name, hookpoint, protocol: experiment.protocol, partial, sampling, entries: compared },
      { seed: experiment.seed, resamples: experiment.resamples },
    );
    const looked = partial ? { latents: [], examples: NO_EXAMPLES } : await lookAtLatents(stages, scored, countTokens);
    const finished = {
      written,
      experiment,
      sources,
      model: cut.model,
      stages,
      plan,
      summary,
      simulated: simulated.flat(),
      startedAt,
      options,
    };
    await writeResult(out, { summary, manifest: await describeRun(finished), measurements, ...looked });
    await writeReport(out);
    if (!partial) await journal.remove();
    return { summary, folder: out, partial };
  } finally {
    try {
      for (const close of opened) await close();
      await answers.close();
    } finally {
      await survey.dispose();
    }
  }
}

import { checkMetrics, type Scores, scoreRow, summarizeScores, writeScores } from '../../../eval/index.js';
import { sharedBudget } from '../budget.js';
import type { Experiment } from '../schema.js';
import { openSimulator, sharedAnswers } from '../simulators/index.js';
import { scoredEntries } from './entries.js';
import { type Bench, benchOf, type Seat } from './judges.js';
import { measureTasks } from './measure.js';
import { type Prepared, prepareScoring, type ScoringChoice, type ScoringOptions } from './prepare.js';
import { asksEntry } from './questions.js';

/** Latents that metrics are tried on: whether they can tell hangs on how many tokens fire, which is alike for most. */
const CHECKED_LATENTS = 10;

export interface ScoreOptions extends ScoringOptions {
  /** Folder that the result is written to. */
  readonly out: string;
  readonly now: () => Date;
  /** Called before anything is asked of a paid simulator; throwing from it ends the run. */
  readonly onPlan: (prepared: Prepared) => Promise<void>;
}

/** The judges of all entries that are asked something, opened; those that need no model are open already. */
async function openBenches(
  { survey, plan, queries }: Prepared,
  { cache, ...options }: ScoreOptions,
): Promise<{ readonly benches: ReadonlyMap<string, Bench>; readonly close: () => Promise<void> }> {
  const { experiment } = survey;
  const answers = sharedAnswers(cache);
  const { spenderOf } = sharedBudget(experiment.budget, experiment.prices);
  const closing: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    try {
      for (const each of closing) await each();
    } finally {
      await answers.close();
    }
  };
  try {
    const benches = new Map<string, Bench>();
    const seats = plan.tasks.flat().flatMap(({ seat }) => (seat.kind === 'entry' ? [seat.entry] : []));
    for (const { name, config } of new Set(seats)) {
      if (benches.has(name)) continue;
      const opened = await openSimulator(config.simulator, {
        ...options,
        cache,
        answers,
        spenderOf,
        seed: experiment.seed,
        prices: experiment.prices,
        evidence: null,
        planned: queries.get(name),
        alsoAsked: ['yes-no', 'digit'],
      });
      if (opened.close) closing.push(opened.close);
      benches.set(name, benchOf(opened));
    }
    return { benches, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Scores the explanations of an experiment and writes `scores.json` and `scores.parquet`. The same again gives the same bytes. */
export async function scoreExperiment(
  written: Experiment,
  choice: ScoringChoice,
  options: ScoreOptions,
): Promise<Scores> {
  for (const entry of scoredEntries(written.simulated, choice)) {
    if (choice.scores.some((score) => asksEntry(score, entry))) entry.chosen.checkEnvironment(options.environment);
  }
  const prepared = await prepareScoring(written, choice, options);
  try {
    await options.onPlan(prepared);
    const { survey, scored: stages, free } = prepared;
    const { experiment, texts, model } = survey;
    const { benches, close } = await openBenches(prepared, options);
    const judgeOf = (seat: Seat, score: Parameters<Bench['judgeOf']>[0]) =>
      seat.kind === 'entry' ? benches.get(seat.entry.name)!.judgeOf(score) : free[seat.kind];
    const measured = await measureTasks(prepared, judgeOf, { ...options, doing: 'Scoring' }).finally(close);
    const { contexts } = texts[choice.part];
    const scores: Scores = {
      schema: 'partial-rewrite/scores@1',
      model: model.name,
      seed: experiment.seed,
      partial: measured.partial,
      text: {
        part: choice.part,
        contexts: contexts.length,
        tokens: contexts.reduce((sum, { tokens }) => sum + tokens.length, 0),
      },
      window: choice.window,
      hookpoints: stages.map(({ drawn }) => drawn.about),
      scores: summarizeScores(measured.scored, choice.scores, experiment),
      metricChecks: stages.flatMap(({ drawn: { about, examples } }) =>
        checkMetrics(about.hookpoint, [...examples.values()].slice(0, CHECKED_LATENTS), experiment.seed),
      ),
    };
    await writeScores(options.out, scores, measured.scored.map(scoreRow));
    return scores;
  } finally {
    await prepared.dispose();
  }
}

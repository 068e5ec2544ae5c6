import type { Score } from '../../../eval/index.js';
import { openTokenizer, UsageError } from '../../../harness/index.js';
import {
  embeddingJudge,
  heldText,
  type Judge,
  SHARED_RUN,
  type SteeredPair,
  tokenCacheJudge,
  tokenStatistics,
} from '../../../replacements/index.js';
import { heldDocuments } from '../activations.js';
import type { Watched } from '../progress.js';
import type { Experiment } from '../schema.js';
import type { Environment } from '../simulators/index.js';
import { type Survey, surveyExperiment } from '../survey.js';
import {
  type EntryChoice,
  explainedEntries,
  replacedExplanations,
  type ScoredEntry,
  scoredEntries,
} from './entries.js';
import { type Drawing, drawLatents } from './examples.js';
import type { Seat } from './judges.js';
import { checkJudges, countQueries, type Plan, planTasks, type ScoredStage } from './questions.js';
import { openScoringStages } from './stage.js';
import { steerLatents } from './steered.js';

/** What is to be scored of an experiment, and how. */
export interface ScoringChoice extends Drawing, EntryChoice {
  readonly scores: readonly Score[];
}

export interface ScoringOptions extends Watched {
  readonly cache: string;
  readonly environment: Environment;
  readonly threads?: number | undefined;
  readonly note: (text: string) => void;
}

/** Examples drawn, questions counted, and nobody asked yet. */
export interface Prepared {
  readonly survey: Survey;
  readonly scored: readonly ScoredStage[];
  readonly entries: readonly ScoredEntry[];
  readonly plan: Plan;
  /** By the entry's name; entries without any are left out. */
  readonly queries: ReadonlyMap<string, number>;
  /** Judges that need no model, by the kind of their seat. */
  readonly free: Readonly<Record<Exclude<Seat['kind'], 'entry'>, Judge>>;
  dispose(): Promise<void>;
}

/**
 * Opens model and coders, has explanations read or induced, caches the coder's activations, and draws examples.
 * @throws {UsageError} also `WINDOW_TOO_LONG`
 */
export async function prepareScoring(
  written: Experiment,
  choice: ScoringChoice,
  options: ScoringOptions,
): Promise<Prepared> {
  // Mistakes in what is asked for are told before anything is opened.
  checkJudges(scoredEntries(written.simulated, choice), choice.scores);
  const { max } = written.context;
  if (choice.window > max) {
    throw new UsageError(
      'WINDOW_TOO_LONG',
      `--window is ${choice.window}, and contexts have ${max} tokens.`,
      'Give a smaller --window, or raise `context` in the experiment file.',
    );
  }
  const found = await surveyExperiment(written, options);
  try {
    const { experiment, texts } = found;
    const entries = scoredEntries(experiment.simulated, choice);
    const { explanations } = choice;
    const rewrites =
      explanations === undefined
        ? found.rewrites
        : await replacedExplanations(explanations, entries, found, options.note);
    const survey = { ...found, rewrites };
    const stages = await openScoringStages(survey, options);
    const tokenizer = await openTokenizer(survey.model.folder);
    const evidence = heldText([heldDocuments('evidence', texts.evidence.documents, tokenizer)], SHARED_RUN);
    const scored: ScoredStage[] = [];
    for (const [at, stage] of stages.entries()) {
      const explained = await explainedEntries(entries, rewrites[at]!.explanations, stage, options);
      const drawn = await drawLatents(stage, explained, evidence, tokenizer, choice, options);
      const asksSteered = choice.scores.some(({ needs }) => needs.steered > 0);
      const steered = asksSteered
        ? await steerLatents(stage, drawn.examples, tokenizer, choice.part, options)
        : new Map<number, readonly SteeredPair[]>();
      scored.push({ drawn: { ...drawn, steered }, explained });
    }
    const plan = planTasks(scored, choice.scores);
    const queries = countQueries(scored, plan.tasks, survey.shapes, experiment.seed);
    return {
      survey,
      scored,
      entries,
      plan,
      queries,
      free: {
        embedder: embeddingJudge(tokenStatistics(texts.evidence.documents)),
        'token-cache': tokenCacheJudge(tokenizer, texts.evidence.documents),
      },
      dispose: found.dispose,
    };
  } catch (error) {
    await found.dispose();
    throw error;
  }
}

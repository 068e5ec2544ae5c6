import { scoredPositions } from '../../eval/index.js';
import type { Explanation } from '../../explanations/index.js';
import type { Context } from '../../harness/index.js';
import {
  type AnswerStore,
  type RecordedQuestion,
  type Simulator,
  shuffleExplanations,
} from '../../replacements/index.js';
import { contrastLatents, type Stage } from './arms.js';
import type { Progress, Watched } from './progress.js';
import { type ExplanationsRead, ratingsByPlan } from './ratings.js';
import { entryName, type SimulatedConfig } from './schema.js';
import { chosenSimulator, type Exports, noUsage } from './simulators/index.js';
import { sitesOf } from './sites.js';
import { explanationsAt, openStages } from './stages.js';
import type { Survey } from './survey.js';

/** A question that a run puts to somebody else. */
export interface RunQuestion extends RecordedQuestion {
  readonly asks: Exports;
}

export interface OutstandingOptions extends Watched {
  readonly cache: string;
  /** Looked into where further questions depend on answers. */
  readonly store: Pick<AnswerStore, 'get'>;
}

/** Whose questions a run of the experiment can have answered from files; the same for several entries of one model. */
export function exportsOf({ experiment }: Survey): readonly Exports[] {
  return experiment.simulated.flatMap(({ simulator }) => chosenSimulator(simulator).exports ?? []);
}

/** Ends a walk before questions that depend on answers which are not there. */
class AnswersNeeded extends Error {}

interface Asking {
  readonly config: SimulatedConfig;
  readonly simulator: Simulator;
  readonly explanations: ReadonlyMap<number, Explanation>;
  readonly read: ExplanationsRead;
  readonly progress: Progress;
  /** Whether a question was asked that has no answer. */
  readonly unanswered: () => boolean;
}

/**
 * Asks for every rating that a run asks for under its plan, of calibration and evaluation alike.
 * @throws {AnswersNeeded} where the second wave of an adaptive plan depends on what the first is answered
 */
async function askAll(stage: Stage, { config, simulator, explanations, read, progress, unanswered }: Asking) {
  const { reader, texts, experiment, signal } = stage;
  const open = { simulator, paid: true, oracle: false, usage: noUsage };
  // As in a run: the control rewrites all latents.
  const plan = read === 'own' ? config.plan : ({ kind: 'exhaustive' } as const);
  const latents = [...explanations.keys()].sort((a, b) => a - b);
  const contrast = contrastLatents(stage, plan, latents);
  const rewritten: typeof contrast = async (firstWave) => {
    if (unanswered()) throw new AnswersNeeded();
    return contrast(firstWave);
  };
  const planned = await ratingsByPlan(
    stage,
    { config, explanations, complete: true, open },
    explanations,
    read,
    rewritten,
    progress,
  );
  // Sampled plans have asked by now; exhaustive ones ask as ratings are wanted.
  if (planned.sampling !== null) return;
  const at = (context: Context) => scoredPositions(context, experiment.protocol);
  const contexts = [...texts.calibration.contexts, ...texts.evaluation.contexts];
  const bar = progress(`Collecting questions of ${entryName(config)}`, contexts.length, 'contexts');
  let done = 0;
  for await (const site of sitesOf(reader, contexts, signal, at)) {
    signal.throwIfAborted();
    for (const ratings of planned.versions) await ratings(site, signal);
    bar.at(++done);
  }
  bar.end();
}

export interface Walk {
  /** Of all questions. */
  readonly ids: ReadonlySet<string>;
  /** An adaptive plan asks others, which are decided by the answers to these. */
  readonly more: boolean;
}

/**
 * Walks through all questions that a run of an experiment puts to endpoints, each once, in the order of the run: by the
 * same simulators, explanations, controls, plans and sites, with nobody there to answer. Coders are trained and
 * explanations induced for it, and cached.
 */
export async function eachQuestion(
  survey: Survey,
  { store, ...options }: OutstandingOptions,
  take: (question: RunQuestion) => Promise<void>,
): Promise<Walk> {
  const { experiment, rewrites } = survey;
  const { stages } = await openStages(survey, options);
  const ids = new Set<string>();
  let more = false;
  try {
    for (const [at, stage] of stages.entries()) {
      for (const [index, config] of experiment.simulated.entries()) {
        const { exports } = chosenSimulator(config.simulator);
        if (exports === null) continue;
        let unanswered = false;
        const simulator = await exports.simulator(async (question) => {
          if (!ids.has(question.id)) {
            ids.add(question.id);
            await take({ ...question, asks: exports });
          }
          if (config.plan.kind !== 'adaptive') return null;
          const answer = (await store.get(question.key)) ?? null;
          unanswered ||= answer === null;
          return answer;
        });
        const own = await explanationsAt(config, rewrites[at]!.explanations[index]!, stage, options);
        const sets = [['own', own] as const];
        const others = config.shuffled ? [['shuffled', shuffleExplanations(own, experiment.seed)] as const] : [];
        for (const [read, explanations] of [...sets, ...others]) {
          unanswered = false;
          const asking = { config, simulator, explanations, read, progress: options.progress };
          try {
            await askAll(stage, { ...asking, unanswered: () => unanswered });
          } catch (error) {
            if (!(error instanceof AnswersNeeded)) throw error;
            more = true;
          }
        }
      }
    }
    return { ids, more };
  } finally {
    for (const { basis } of stages) await basis.dispose();
  }
}

import type { Score, Shown, Subject } from '../../../eval/index.js';
import type { Explanation } from '../../../explanations/index.js';
import { UsageError } from '../../../harness/index.js';
import type { QueryShape } from '../../../replacements/index.js';
import type { ExplainedEntry, ScoredEntry } from './entries.js';
import type { DrawnLatents } from './examples.js';
import { canJudge, keyOf, queriesOf, type Seat } from './judges.js';

/** One hookpoint, with all that judges can be asked of it. */
export interface ScoredStage {
  readonly drawn: DrawnLatents;
  readonly explained: readonly ExplainedEntry[];
}

/** One score of all latents of a hookpoint, to be had from one judge. */
export interface ScoreTask {
  readonly hookpoint: string;
  readonly score: Score;
  readonly seat: Seat;
  /** Whose explanations: `null` where none is shown. */
  readonly entry: ScoredEntry | null;
  readonly shown: Shown;
  readonly explanations: ReadonlyMap<number, Explanation> | null;
}

export interface Plan {
  readonly tasks: readonly (readonly ScoreTask[])[];
  /** What nobody can judge, in words. */
  readonly notes: readonly string[];
}

export function subjectOf(
  { hookpoint, explanations }: Pick<ScoreTask, 'hookpoint' | 'explanations'>,
  latent: number,
  { examples, steered }: DrawnLatents,
  seed: number,
): Subject {
  const explanation = explanations?.get(latent) ?? null;
  return {
    explanation,
    examples: examples.get(latent)!,
    steered: steered.get(latent) ?? [],
    seed: `${seed}/${hookpoint}/${latent}`,
  };
}

/**
 * Who is asked for a score of an entry's explanations: its own simulator where that can answer, else who needs no model. What a
 * language model is surprised by stands beside what the tokens alone tell.
 */
function judgesOfEntry(score: Score, entry: ScoredEntry): readonly Seat[] {
  const seats: readonly Seat[] = [{ kind: 'entry', entry }, { kind: 'embedder' }, { kind: 'token-cache' }];
  const able = seats.filter((seat) => canJudge(seat, score));
  return score.asks === 'surprisal' ? able : able.slice(0, 1);
}

/** Whether an entry's own simulator is asked anything for a score, so that it must be there. */
export function asksEntry(score: Score, entry: ScoredEntry): boolean {
  return score.needs.explanation
    ? judgesOfEntry(score, entry).some(({ kind }) => kind === 'entry')
    : canJudge({ kind: 'entry', entry }, score);
}

/** Everybody who can answer without an explanation, each once: the embedder, and every other model that is asked. */
function judgesWithout(score: Score, entries: readonly ScoredEntry[]): readonly Seat[] {
  const seats = [{ kind: 'embedder' } as const, ...entries.map((entry) => ({ kind: 'entry', entry }) as const)];
  const able = seats.filter((seat) => canJudge(seat, score));
  return [...new Map(able.toReversed().map((seat) => [keyOf(seat), seat])).values()].toReversed();
}

/** @throws {UsageError} `NO_JUDGE` where none of the scores can be had */
export function checkJudges(entries: readonly ScoredEntry[], chosen: readonly Score[]): void {
  const has = (score: Score): boolean =>
    score.needs.explanation
      ? entries.some((entry) => judgesOfEntry(score, entry).length > 0)
      : judgesWithout(score, entries).length > 0;
  if (chosen.some(has)) return;
  const ids = chosen.map(({ id }) => id).join(', ');
  throw new UsageError(
    'NO_JUDGE',
    entries.length === 0
      ? `No entry of \`simulated\` reads explanations, which ${ids} would score.`
      : `No simulator of ${entries.map(({ name }) => name).join(', ')} can judge ${ids}.`,
    'Choose other --scores, or give an entry of `simulated` a simulator that can; docs/scores.md says which.',
  );
}

/** All that will be asked, one list for each hookpoint. */
export function planTasks(stages: readonly ScoredStage[], chosen: readonly Score[]): Plan {
  const notes = new Set<string>();
  const tasks = stages.map(({ drawn, explained }): ScoreTask[] => {
    const { hookpoint } = drawn.about;
    return chosen.flatMap((score): ScoreTask[] => {
      const common = { hookpoint, score };
      if (!score.needs.explanation) {
        const seats = judgesWithout(
          score,
          explained.map(({ entry }) => entry),
        );
        return seats.map((seat) => ({ ...common, seat, entry: null, shown: 'none', explanations: null }));
      }
      return explained.flatMap(({ entry, own, shuffled }): ScoreTask[] => {
        const seats = judgesOfEntry(score, entry);
        if (seats.length === 0)
          notes.add(`${entry.name}: nobody here can judge ${score.id} (docs/scores.md says who could).`);
        return seats.flatMap((seat): ScoreTask[] => {
          const of = { ...common, seat, entry };
          const control: ScoreTask[] = shuffled === null ? [] : [{ ...of, shown: 'shuffled', explanations: shuffled }];
          return [{ ...of, shown: 'own', explanations: own }, ...control];
        });
      });
    });
  });
  return { tasks, notes: [...notes] };
}

/** Queries that each entry's simulator is put, by its name; answers that are stored already among them. */
export function countQueries(
  stages: readonly ScoredStage[],
  tasks: Plan['tasks'],
  shapes: readonly (QueryShape | null)[],
  seed: number,
): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const [at, { drawn }] of stages.entries()) {
    for (const task of tasks[at]!) {
      if (task.seat.kind !== 'entry') continue;
      const { name, index } = task.seat.entry;
      const shape = shapes[index];
      if (shape == null) continue;
      for (const latent of drawn.examples.keys()) {
        const queries = queriesOf(task.score, subjectOf(task, latent, drawn, seed), shape);
        counts.set(name, (counts.get(name) ?? 0) + queries);
      }
    }
  }
  return counts;
}

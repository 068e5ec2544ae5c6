import { type Score, type ScoreId, scores } from '../../../eval/index.js';
import { UsageError } from '../../../harness/index.js';

/** Those that some judge of every experiment can answer: with explanations, and without. */
const DEFAULT: readonly ScoreId[] = [
  'detection',
  'fuzzing',
  'simulation',
  'intruder',
  'decile intruder',
  'example embedding',
];

const written = (id: string): string => id.replaceAll(' ', '-');

/** The scores that a comma-separated list names, in the order of all. @throws {UsageError} `NO_SUCH_SCORE` */
export function chosenScores(list: string | undefined): readonly Score[] {
  const all: readonly Score[] = Object.values(scores);
  if (list === undefined) return all.filter(({ id }) => DEFAULT.some((each) => each === id));
  const named = new Set(list.split(',').map((each) => written(each.trim())));
  const unknown = [...named].find((name) => !all.some(({ id }) => written(id) === name));
  if (unknown !== undefined) {
    throw new UsageError(
      'NO_SUCH_SCORE',
      `There is no score "${unknown}".`,
      `Scores: ${all.map(({ id }) => written(id)).join(', ')}.`,
    );
  }
  return all.filter(({ id }) => named.has(written(id)));
}

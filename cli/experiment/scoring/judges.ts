import type { Score } from '../../../eval/index.js';
import {
  type Asker,
  askingJudge,
  executableJudge,
  type Judge,
  type QueryShape,
  type QuestionKind,
  ratingJudge,
  type Simulator,
} from '../../../replacements/index.js';
import type { ScoredEntry } from './entries.js';

/** Who can be asked: the simulator of an entry, or one of those that need no model. */
export type Seat =
  | { readonly kind: 'entry'; readonly entry: ScoredEntry }
  | { readonly kind: 'embedder' }
  | { readonly kind: 'token-cache' };

/** Questions that a simulator answers as a judge: those of a program, or of whoever answers in words. */
const RATING: readonly QuestionKind[] = ['rates', 'activates', 'highlights'];
const ASKING: readonly QuestionKind[] = [...RATING, 'oddOneOut'];
const EMBEDDING: readonly QuestionKind[] = ['embeds', 'oddOneOut'];
const READING: readonly QuestionKind[] = ['surprisal'];

function answeredBy(seat: Seat): readonly QuestionKind[] {
  switch (seat.kind) {
    case 'embedder':
      return EMBEDDING;
    case 'token-cache':
      return READING;
    case 'entry':
      if (seat.entry.chosen.asks === null) return RATING;
      return seat.entry.chosen.readsTexts ? [...ASKING, ...READING] : ASKING;
  }
}

export const canJudge = (seat: Seat, { asks }: Pick<Score, 'asks'>): boolean => answeredBy(seat).includes(asks);

/** Two seats with one key give the same answers to questions without explanations. */
export function keyOf(seat: Seat): string {
  return seat.kind === 'entry' ? JSON.stringify(seat.entry.config.simulator) : seat.kind;
}

/** A judge of a single kind of questions can be of many parts; each is named in tables by what it is. */
export interface Bench {
  judgeOf(score: Pick<Score, 'asks'>): Judge;
}

/** An entry's simulator as a judge: the program as it runs, or whoever is asked, by questions of its own and by ratings. */
export function benchOf({
  simulator,
  asker,
  surprised,
}: {
  readonly simulator: Simulator;
  readonly asker?: Asker | undefined;
  readonly surprised?: Judge | undefined;
}): Bench {
  if (asker === undefined) {
    const judge = executableJudge();
    return { judgeOf: () => judge };
  }
  const [asking, rating] = [askingJudge(asker), ratingJudge(simulator)];
  return {
    judgeOf({ asks }) {
      if (asks === 'rates') return rating;
      return asks === 'surprisal' && surprised !== undefined ? surprised : asking;
    },
  };
}

/** Queries that one score of one latent takes: a rating of each token in the entry's shape, or a query a question. */
export function queriesOf(
  score: Score,
  subject: Parameters<Score['questions']>[0],
  shape: Pick<QueryShape, 'queries'>,
): number {
  const questions = score.questions(subject);
  if (score.asks !== 'rates' || questions === 0) return questions;
  return subject.examples.reduce((sum, { text }) => sum + shape.queries([...text.keys()], 1), 0);
}

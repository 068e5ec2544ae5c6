import type { Random } from '../../../harness/index.js';
import { type Answered, activates, type ScoredExample } from '../../judges/index.js';
import type { JudgedExample } from '../show.js';

/** How many examples of each outcome a writer is shown at most. */
export interface JudgedPlan {
  readonly falsePositives: number;
  readonly falseNegatives: number;
  /** Of each class, what was judged right: so that mending one thing does not break another. */
  readonly right: number;
}
export const JUDGED_PLAN: JudgedPlan = { falsePositives: 5, falseNegatives: 5, right: 3 };

/**
 * The worst mistakes, those first that were made with most certainty, and some that are right. Of equals, and among those
 * that are right, the choice is random. Empty where there is no mistake: then nothing can be learned.
 * @param used examples whose mistakes were shown before, which are passed over
 */
export function chooseJudged(
  examples: readonly ScoredExample[],
  answers: readonly Answered<number>[],
  { falsePositives, falseNegatives, right }: JudgedPlan,
  random: Random,
  used: ReadonlySet<ScoredExample> = new Set(),
): { readonly mistakes: readonly JudgedExample[]; readonly right: readonly JudgedExample[] } {
  const judged = examples.flatMap((example, at): JudgedExample[] => {
    const answer = answers[at]!;
    return 'value' in answer ? [{ example, probability: answer.value }] : [];
  });
  const inRandomOrder = random.shuffle(judged);
  const of = (isActive: boolean, saidActive: boolean): JudgedExample[] =>
    inRandomOrder.filter(
      ({ example, probability }) => activates(example) === isActive && probability > 0.5 === saidActive,
    );
  const fresh = (some: readonly JudgedExample[]) => some.filter(({ example }) => !used.has(example));
  const mistakes = [
    ...fresh(of(false, true))
      .sort((a, b) => b.probability - a.probability)
      .slice(0, falsePositives),
    ...fresh(of(true, false))
      .sort((a, b) => a.probability - b.probability)
      .slice(0, falseNegatives),
  ];
  return { mistakes, right: [...of(true, true).slice(0, right), ...of(false, false).slice(0, right)] };
}

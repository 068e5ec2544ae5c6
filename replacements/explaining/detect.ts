import pLimit from 'p-limit';
import type { Explanation } from '../../explanations/index.js';
import { settleAll } from '../../harness/index.js';
import { type Abilities, type Answered, activates, type Judge, type ScoredExample } from '../judges/index.js';

/** A judge that can say whether a text makes a latent fire. A simulator is one through `ratingJudge`. */
export type DetectingJudge = Pick<Judge, 'id'> & Required<Pick<Abilities, 'activates'>>;

/** The probability that each example makes the latent fire, by its explanation alone; in the order of the examples. */
export async function detect(
  judge: DetectingJudge,
  explanation: Explanation,
  examples: readonly ScoredExample[],
  signal: AbortSignal,
  { underWay = 64 } = {},
): Promise<Answered<number>[]> {
  const limit = pLimit(underWay);
  let failed = false;
  const asked = examples.map(({ text }) =>
    limit(async (): Promise<Answered<number>> => {
      // After a failure no more is asked; what is under way is waited for.
      if (failed) return { missing: 'not asked' };
      try {
        signal.throwIfAborted();
        return await judge.activates({ explanation, text }, signal);
      } catch (error) {
        failed = true;
        throw error;
      }
    }),
  );
  return settleAll(asked);
}

/** An answer beside the truth. */
export interface Detection {
  readonly isActive: boolean;
  readonly probability: number;
}

/** Those examples that were answered, with their place. */
export function answered(
  examples: readonly ScoredExample[],
  answers: readonly Answered<number>[],
): Map<number, Detection> {
  const found = new Map<number, Detection>();
  for (const [at, answer] of answers.entries()) {
    if ('value' in answer) found.set(at, { isActive: activates(examples[at]!), probability: answer.value });
  }
  return found;
}

/** Mean over the two classes of the mean credit; `null` where a class has no member. */
function balanced(detections: Iterable<Detection>, credit: (probabilityOfTruth: number) => number): number | null {
  const sums = { active: 0, silent: 0 };
  const counts = { active: 0, silent: 0 };
  for (const { isActive, probability } of detections) {
    const truth = isActive ? 'active' : 'silent';
    sums[truth] += credit(isActive ? probability : 1 - probability);
    counts[truth]++;
  }
  if (counts.active === 0 || counts.silent === 0) return null;
  return (sums.active / counts.active + sums.silent / counts.silent) / 2;
}

/**
 * Probability given to the truth, both classes weighing alike: 0 to 1, 0.5 by chance. For a judge that is always certain
 * it is the balanced accuracy; for others it also moves where no answer passes 0.5.
 */
export const balancedProbability = (detections: Iterable<Detection>): number | null =>
  balanced(detections, (probability) => probability);

/** Balanced accuracy: 0 to 1, 0.5 by chance. An answer of exactly 0.5 is a no, as for the detection score. */
export function balancedAccuracy(detections: Iterable<Detection>): number | null {
  const certain = Array.from(detections, ({ isActive, probability }) => ({
    isActive,
    probability: probability > 0.5 ? 1 : 0,
  }));
  return balanced(certain, (probability) => probability);
}

import type { Random } from '../../../harness/index.js';
import { activates, type MarkedText, type ScoredExample } from '../../../replacements/index.js';
import { score } from '../define.js';
import type { Score } from '../score.js';
import { ALIKE, byDecile, found, type IntruderOptions, type IntruderTruth, SET_SIZE, setsOf } from './odd-one-out.js';
import { inOrder, pickSome, randomOf } from './seeded.js';

/** A silent example, with as many tokens highlighted as the others have: those of the latent it was drawn for, or any. */
function disguised(random: Random, { text, elsewhere }: ScoredExample, alike: readonly MarkedText[]): MarkedText {
  const usual = Math.round(alike.reduce((sum, { highlighted }) => sum + highlighted.length, 0) / alike.length);
  if (elsewhere !== undefined && elsewhere.length > 0) return { text, highlighted: elsewhere };
  return { text, highlighted: pickSome(random, Array.from(text.keys()), usual) };
}

/**
 * Four activating examples of one decile and one on which the latent is silent: is the odd one found? No explanation is
 * shown: this asks whether there is anything to explain. The share of sets in which it is, ties shared.
 * @see Paulo & Belrose 2025, Evaluating SAE interpretability without explanations, https://arxiv.org/abs/2507.08473
 */
export function intruderScore(options: IntruderOptions = {}): Score {
  return score<'oddOneOut', IntruderTruth>({
    id: 'intruder',
    version: 1,
    asks: 'oddOneOut',
    needs: { explanation: false, activating: ALIKE, silent: 1, steered: 0 },
    measures: 'share found',
    range: [0, 1],
    chance: 1 / SET_SIZE,
    put(subject) {
      const silent = inOrder(subject.examples.filter((example) => !activates(example)));
      const items = setsOf(byDecile(subject.examples), randomOf(subject, 'intruder'), options, (random, _, alike) =>
        disguised(random, random.pick(silent), alike),
      );
      return { items, unusable: 0 };
    },
    read: found,
  });
}

import { score } from '../define.js';
import type { Score } from '../score.js';
import { byDecile, found, type IntruderOptions, type IntruderTruth, SET_SIZE, setsOf, shown } from './odd-one-out.js';
import { randomOf } from './seeded.js';

/**
 * Four activating examples of one decile and one of another decile of the same latent: is the odd one found? High where
 * weak and strong activations mean different things; at chance where strength does not change the meaning.
 * @see Paulo & Belrose 2025, Evaluating SAE interpretability without explanations, https://arxiv.org/abs/2507.08473
 */
export function decileIntruderScore(options: IntruderOptions = {}): Score {
  return score<'oddOneOut', IntruderTruth>({
    id: 'decile intruder',
    version: 1,
    asks: 'oddOneOut',
    needs: { explanation: false, activating: SET_SIZE, silent: 0, steered: 0 },
    measures: 'share found',
    range: [0, 1],
    chance: 1 / SET_SIZE,
    put(subject) {
      const deciles = byDecile(subject.examples);
      const items = setsOf(deciles, randomOf(subject, 'decile intruder'), options, (random, decile) => {
        const others = [...deciles.keys()].filter((each) => each !== decile);
        return others.length === 0 ? null : shown(random.pick(deciles.get(random.pick(others))!));
      });
      return { items, unusable: 0 };
    },
    read: found,
  });
}

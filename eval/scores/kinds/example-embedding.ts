import { activates, similarity } from '../../../replacements/index.js';
import { score } from '../define.js';
import { measured, metrics, notDefined } from '../metrics/index.js';
import { inOrder, randomOf } from './seeded.js';

interface Truth {
  readonly isActive: boolean;
  /** Half of each kind is what the other half is compared with. */
  readonly role: 'reference' | 'query';
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/**
 * Are activating contexts alike? Half of the examples of each kind, drawn by the seed, are references. Of each other one:
 * its mean cosine with the activating references minus that with the silent ones; AUROC of these differences. No
 * explanation is shown. Halves, since an example that helps to make its own reference would not score 0.5 by chance.
 * @see Paulo & Belrose 2025, Evaluating SAE interpretability without explanations, https://arxiv.org/abs/2507.08473
 */
export const exampleEmbedding = score<'embeds', Truth>({
  id: 'example embedding',
  version: 1,
  asks: 'embeds',
  needs: { explanation: false, activating: 2, silent: 2, steered: 0 },
  measures: 'AUROC',
  range: [0, 1],
  chance: 0.5,
  put(subject) {
    const random = randomOf(subject, 'example embedding');
    const items = [true, false].flatMap((isActive) => {
      const own = inOrder(subject.examples.filter((example) => activates(example) === isActive));
      return random.shuffle(own).map(({ text }, at) => ({
        question: { text: text.join('') },
        truth: { isActive, role: at < own.length / 2 ? ('reference' as const) : ('query' as const) },
      }));
    });
    return { items, unusable: 0 };
  },
  read(replies) {
    const vectors = (isActive: boolean, role: Truth['role']): readonly Float32Array[] =>
      replies.filter(({ truth }) => truth.isActive === isActive && truth.role === role).map(({ answer }) => answer);
    const activating = vectors(true, 'reference');
    const silent = vectors(false, 'reference');
    if (activating.length === 0 || silent.length === 0) return { value: notDefined('no answers'), details: {} };
    const difference = (vector: Float32Array): number =>
      mean(activating.map((other) => similarity(vector, other))) -
      mean(silent.map((other) => similarity(vector, other)));
    const ofActivating = vectors(true, 'query').map(difference);
    const ofSilent = vectors(false, 'query').map(difference);
    const pairs = {
      actual: [...ofActivating.map(() => 1), ...ofSilent.map(() => 0)],
      predicted: [...ofActivating, ...ofSilent],
      firesAbove: 0,
    };
    const separation = ofActivating.length === 0 ? notDefined('no answers') : measured(mean(ofActivating));
    return { value: metrics.auroc.of(pairs), details: { 'difference of mean cosines': separation } };
  },
});

import { score } from '../define.js';
import { metrics, type Pairs } from '../metrics/index.js';
import { namedMetrics } from './classified.js';

/**
 * How strong is the latent on each token? Pearson's correlation of ratings with true activations over the tokens of all
 * examples together. Tokens without a rating are left out, and the answer that lacks them is counted as missing.
 * @see Bills et al. 2023, https://openaipublic.blob.core.windows.net/neuron-explainer/paper/index.html
 */
export const simulation = score<'rates', Float32Array>({
  id: 'simulation',
  version: 1,
  asks: 'rates',
  needs: { explanation: true, activating: 1, silent: 0, steered: 0 },
  measures: 'correlation',
  range: [-1, 1],
  chance: 0,
  put: ({ explanation, examples }) => ({
    items: examples.map(({ text, activations }) => ({
      question: { explanation: explanation!, text },
      truth: activations,
    })),
    unusable: 0,
  }),
  read(replies) {
    const actual: number[] = [];
    const predicted: number[] = [];
    for (const { truth, answer } of replies) {
      if (answer.length !== truth.length) throw new RangeError(`${answer.length} ratings of ${truth.length} tokens`);
      for (const [token, rating] of answer.entries()) {
        if (typeof rating !== 'number') continue;
        actual.push(truth[token]!);
        predicted.push(rating);
      }
    }
    const pairs: Pairs = { actual, predicted, firesAbove: 0 };
    return {
      value: metrics.pearson.of(pairs),
      details: namedMetrics(pairs, ['precision', 'recall', 'specificity', 'f1', 'iou', 'cosine', 'auroc', 'auprc']),
    };
  },
  missingParts: (answer) => answer.filter((rating) => typeof rating === 'string'),
});

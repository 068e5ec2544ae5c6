import { explanationText } from '../../../explanations/index.js';
import { activates, similarity } from '../../../replacements/index.js';
import { score } from '../define.js';
import { metrics, notDefined } from '../metrics/index.js';

/** `null`: it is the explanation itself. */
type Truth = { readonly isActive: boolean } | null;

/**
 * The explanation as a query that should retrieve activating contexts: AUROC of the cosine between its vector and each
 * example's, of activating against silent ones. Without the explanation's vector there is no score.
 * @see Paulo, Mallen, Juang & Belrose 2024, https://arxiv.org/abs/2410.13928
 */
export const embedding = score<'embeds', Truth>({
  id: 'embedding',
  version: 1,
  asks: 'embeds',
  needs: { explanation: true, activating: 1, silent: 1, steered: 0 },
  measures: 'AUROC',
  range: [0, 1],
  chance: 0.5,
  put: ({ explanation, examples }) => ({
    items: [
      { question: { text: explanationText(explanation!) }, truth: null },
      ...examples.map((example) => ({
        question: { text: example.text.join('') },
        truth: { isActive: activates(example) },
      })),
    ],
    unusable: 0,
  }),
  read(replies) {
    const query = replies.find(({ truth }) => truth === null)?.answer;
    if (query === undefined) return { value: notDefined('no answers'), details: {} };
    const found = replies.flatMap(({ truth, answer }) =>
      truth === null ? [] : [{ isActive: truth.isActive, likeness: similarity(query, answer) }],
    );
    const pairs = {
      actual: found.map(({ isActive }) => Number(isActive)),
      predicted: found.map(({ likeness }) => likeness),
      firesAbove: 0,
    };
    return { value: metrics.auroc.of(pairs), details: { AUPRC: metrics.auprc.of(pairs) } };
  },
});

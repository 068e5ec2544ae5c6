import { activates, type Draw } from '../../../replacements/index.js';
import { score } from '../define.js';
import { measured } from '../metrics/index.js';
import type { Reply } from '../score.js';
import { classified } from './classified.js';

interface Truth {
  readonly isActive: boolean;
  readonly drawn: Draw;
}

/** Recall in each decile of which an example was answered: weak contexts are the hard ones. */
function recallByDecile(replies: readonly Reply<'activates', Truth>[]) {
  const byDecile = new Map<number, number[]>();
  for (const { truth, answer } of replies) {
    if (!truth.isActive || truth.drawn.kind !== 'decile') continue;
    const { decile } = truth.drawn;
    byDecile.set(decile, [...(byDecile.get(decile) ?? []), Number(answer > 0.5)]);
  }
  return Object.fromEntries(
    [...byDecile]
      .sort(([a], [b]) => a - b)
      .map(([decile, hits]) => [
        `recall in decile ${decile}`,
        measured(hits.reduce((sum, hit) => sum + hit, 0) / hits.length),
      ]),
  );
}

/**
 * Does a context activate the latent at all? Each example is asked about alone; balanced accuracy over activating and
 * silent ones, a probability above 0.5 being a yes.
 * @see Paulo, Mallen, Juang & Belrose 2024, https://arxiv.org/abs/2410.13928
 */
export const detection = score<'activates', Truth>({
  id: 'detection',
  version: 1,
  asks: 'activates',
  needs: { explanation: true, activating: 1, silent: 1, steered: 0 },
  measures: 'balanced accuracy',
  range: [0, 1],
  chance: 0.5,
  put: ({ explanation, examples }) => ({
    items: examples.map((example) => ({
      question: { explanation: explanation!, text: example.text },
      truth: { isActive: activates(example), drawn: example.drawn },
    })),
    unusable: 0,
  }),
  read(replies) {
    const { value, details } = classified(
      replies.map(({ truth, answer }) => ({ isSo: truth.isActive, probability: answer })),
    );
    return { value, details: { ...details, ...recallByDecile(replies) } };
  },
});

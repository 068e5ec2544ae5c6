import { explanationText } from '../../../explanations/index.js';
import { activates } from '../../../replacements/index.js';
import { score } from '../define.js';
import { metrics, notDefined } from '../metrics/index.js';

/** What stands in the explanation's place for comparison: an explanation that says nothing of any text. */
export const PSEUDO_EXPLANATION = 'any text at all';

interface Truth {
  readonly example: number;
  readonly isActive: boolean;
  readonly given: 'explanation' | 'pseudo-explanation';
}

/**
 * Does the explanation make activating contexts less surprising to a language model, and others not? An example's gain is
 * its surprisal after the pseudo-explanation minus that after the explanation, in nats per token; AUROC of gains, of
 * activating against silent examples. An example counts where both answers came.
 * @see Paulo, Mallen, Juang & Belrose 2024, https://arxiv.org/abs/2410.13928
 */
export const surprisal = score<'surprisal', Truth>({
  id: 'surprisal',
  version: 1,
  asks: 'surprisal',
  needs: { explanation: true, activating: 1, silent: 1, steered: 0 },
  measures: 'AUROC',
  range: [0, 1],
  chance: 0.5,
  put({ explanation, examples }) {
    const said = { explanation: explanationText(explanation!), 'pseudo-explanation': PSEUDO_EXPLANATION } as const;
    const conditions = ['explanation', 'pseudo-explanation'] as const;
    return {
      items: examples.flatMap((example, at) =>
        conditions.map((given) => ({
          question: {
            text: example.text.join(''),
            given: { kind: 'explanation' as const, explanation: said[given] },
          },
          truth: { example: at, isActive: activates(example), given },
        })),
      ),
      unusable: 0,
    };
  },
  read(replies) {
    const explained = new Map<number, number>();
    for (const { truth, answer } of replies) {
      if (truth.given === 'explanation' && answer.tokens > 0) explained.set(truth.example, answer.nats / answer.tokens);
    }
    const actual: number[] = [];
    const predicted: number[] = [];
    for (const { truth, answer } of replies) {
      const after = explained.get(truth.example);
      if (truth.given === 'explanation' || after === undefined) continue;
      actual.push(Number(truth.isActive));
      predicted.push(answer.nats / answer.tokens - after);
    }
    if (actual.length === 0) return { value: notDefined('no answers'), details: {} };
    const pairs = { actual, predicted, firesAbove: 0 };
    return { value: metrics.auroc.of(pairs), details: { AUPRC: metrics.auprc.of(pairs) } };
  },
});

import { explanationText } from '../../../explanations/index.js';
import { score } from '../define.js';
import { measured, notDefined } from '../metrics/index.js';

interface Truth {
  readonly pair: number;
  readonly continuation: 'clean' | 'steered';
  /** Nats. */
  readonly kl: number;
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/**
 * Does steering the latent make the explanation of its effect less surprising? The mean over prompts of the explanation's
 * surprisal after what the model writes as it is, minus that after what it writes steered, in nats. Above 0 the
 * explanation fits what steering does. It grows with the strength of steering: compare only at equal KL, which is beside it.
 * A prompt behind which steering changes no word is unusable: its 0 would be no effect of the latent. A latent that is heard
 * behind none has no value.
 * @see Paulo, Mallen, Juang & Belrose 2024, https://arxiv.org/abs/2410.13928
 */
export const intervention = score<'surprisal', Truth>({
  id: 'intervention',
  // 2: prompts behind which nothing changes are left out; they counted as 0.
  version: 2,
  asks: 'surprisal',
  needs: { explanation: true, activating: 0, silent: 0, steered: 1 },
  measures: 'nats',
  range: [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
  chance: 0,
  without: 'no effect',
  put({ explanation, steered = [] }) {
    const text = explanationText(explanation!);
    const continuations = ['clean', 'steered'] as const;
    const heard = steered.filter(({ clean, steered: said }) => clean !== said);
    return {
      items: heard.flatMap((pair, at) =>
        continuations.map((continuation) => ({
          question: { text, given: { kind: 'continuation' as const, text: pair[continuation] } },
          truth: { pair: at, continuation, kl: pair.kl },
        })),
      ),
      unusable: steered.length - heard.length,
    };
  },
  read(replies) {
    const steered = new Map<number, number>();
    for (const { truth, answer } of replies) {
      if (truth.continuation === 'steered') steered.set(truth.pair, answer.nats);
    }
    const falls: number[] = [];
    const strengths: number[] = [];
    for (const { truth, answer } of replies) {
      const after = steered.get(truth.pair);
      if (truth.continuation === 'steered' || after === undefined) continue;
      falls.push(answer.nats - after);
      strengths.push(truth.kl);
    }
    if (falls.length === 0) return { value: notDefined('no answers'), details: {} };
    return {
      value: measured(mean(falls)),
      details: {
        'share less surprising': measured(mean(falls.map((fall) => (fall > 0 ? 1 : fall < 0 ? 0 : 0.5)))),
        'KL of steering': measured(mean(strengths)),
      },
    };
  },
});

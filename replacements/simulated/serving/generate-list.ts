import type { LanguageModel } from '../../../harness/index.js';
import type { SlotDistribution } from '../asking/query.js';
import { joined, slotReader } from '../local/slot-reader.js';
import { LIST_BETWEEN, LIST_OPENING, type Scales } from '../local/values.js';
import type { ServedAlternative, ServedToken } from './completion.js';
import type { Generated } from './generate.js';

const LIST_CLOSING = ']}';

/** Answers with a list of so many ratings behind a row. */
export interface GenerateList {
  /** Tokens that a list of so many ratings takes, its end included. */
  tokensOf(count: number): number;
  generate(row: Int32Array, count: number, signal: AbortSignal): Promise<Generated>;
}

/** What an answer is held to is said with certainty, and has no alternatives. */
const fixed = (token: string): ServedToken => ({ token, logprob: 0, top: [] });

/** Digits as alternatives, the likeliest first: with the model's own probabilities, not those among digits alone. */
function rated({ values }: SlotDistribution): ServedToken {
  const top = values
    .toSorted((a, b) => b.probability - a.probability)
    .map(({ value, probability }): ServedAlternative => ({ token: String(value), logprob: Math.log(probability) }));
  return { ...top[0]!, top };
}

/**
 * `{"ratings": [d, …]}`: what is around the digits stands fixed, and each digit is read behind the likeliest ones before
 * it, just as a model on this machine is read by `kind: local`. Where the model gives no digit any probability the
 * answer ends: it is no list then, and nobody takes it for one.
 */
export function listGenerator(lm: LanguageModel, scales: Scales): GenerateList {
  const read = slotReader(lm, scales);
  const { firstOfList, nextOfList } = scales;
  const tokensOf = (count: number): number =>
    firstOfList.head.length + (count - 1) * nextOfList.head.length + count + 1;
  return {
    tokensOf,
    async generate(prompt, count, signal) {
      lm.check(prompt, tokensOf(count) - 1);
      const tokens: ServedToken[] = [];
      let row = prompt;
      for (let at = 0; at < count; at++) {
        const scale = at === 0 ? firstOfList : nextOfList;
        const slot = await read(row, { scale, mayBeBlank: false, last: at === count - 1 }, signal);
        tokens.push(fixed(at === 0 ? LIST_OPENING : LIST_BETWEEN));
        if (slot.distribution === null) return { tokens, finish: 'stop' };
        tokens.push(rated(slot.distribution));
        row = joined(row, slot.tokens);
      }
      return { tokens: [...tokens, fixed(LIST_CLOSING)], finish: 'stop' };
    },
  };
}

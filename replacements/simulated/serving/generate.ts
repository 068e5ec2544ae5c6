import type { LanguageModel, NextToken, Tokenizer } from '../../../harness/index.js';
import { batchQueue } from '../local/batch-queue.js';
import { joined } from '../local/slot-reader.js';
import { MOST_ALTERNATIVES } from './chat-request.js';
import type { ServedAlternative, ServedToken } from './completion.js';

/** Rows that are read together; the reading cuts them up as memory allows. */
const TOGETHER = 256;

export interface Generated {
  readonly tokens: readonly ServedToken[];
  readonly finish: 'stop' | 'length';
}

/** Goes on from a row, the likeliest token each time, until the model ends or `most` tokens are there. */
export type Generate = (row: Int32Array, most: number, signal: AbortSignal) => Promise<Generated>;

/**
 * Greedy generation; rows that wait at the same time are read side by side.
 * @param spell how a token reads
 * @param ends tokens that end an answer, and are no part of it
 */
export function generator(
  lm: Pick<LanguageModel, 'model' | 'next' | 'check'>,
  spell: (token: number) => string,
  ends: ReadonlySet<number>,
): Generate {
  const wanted = { tokens: new Int32Array(0), top: Math.min(MOST_ALTERNATIVES, lm.model.vocabulary) };
  const enqueue = batchQueue(
    (rows: readonly { readonly tokens: Int32Array; readonly goesOn: boolean }[]) => lm.next(rows, wanted),
    TOGETHER,
  );
  const alternatives = ({ top }: NextToken): ServedAlternative[] =>
    top.map(({ token, logProbability }) => ({ token: spell(token), logprob: logProbability }));

  return async (prompt, most, signal) => {
    // Checked first: what is wrong with one row must not fail those beside it.
    lm.check(prompt, most - 1);
    const tokens: ServedToken[] = [];
    let row = prompt;
    while (tokens.length < most) {
      const next = await enqueue({ tokens: row, goesOn: tokens.length + 1 < most }, signal);
      const likeliest = next.top[0]!.token;
      if (ends.has(likeliest)) return { tokens, finish: 'stop' };
      const top = alternatives(next);
      tokens.push({ ...top[0]!, top });
      row = joined(row, [likeliest]);
    }
    return { tokens, finish: 'length' };
  };
}

/** How tokens read; ids that the model has and its tokenizer has not are told apart by number. */
export function speller(tokenizer: Tokenizer): (token: number) => string {
  return (token) => (token < tokenizer.vocabularySize ? tokenizer.surface(token) : `<unused ${token}>`);
}

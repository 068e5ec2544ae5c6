import { describe, expect, it } from 'vitest';
import { tokenCacheJudge } from './token-cache-judge.js';

const { signal } = new AbortController();
const WORDS = [' a', ' cat', ' dog', ' "', '"'];
/** Knows its words alone. */
const tokenizer = {
  vocabularySize: WORDS.length,
  encode: (text: string) =>
    Int32Array.from(text.match(/ ?[\p{L}"]+/gu) ?? [], (word) => WORDS.indexOf(word)).filter((token) => token >= 0),
};
// Counted once more each: 2, 3, 1, 1, 1 of 8.
const judge = tokenCacheJudge(tokenizer, [' a cat', ' cat']);
const nats = async (text: string, given: Parameters<typeof judge.surprisal>[0]['given']) => {
  const answer = await judge.surprisal({ text, given }, signal);
  if ('missing' in answer) throw new Error(answer.missing);
  return answer.value;
};

describe('tokenCacheJudge, worked by hand', () => {
  it('takes half of a probability from what was read and half from the corpus', async () => {
    const { nats: found, tokens } = await nats(' cat dog', { kind: 'explanation', explanation: ' cat a' });
    // " cat": ½ · ½ + ½ · 3/8; " dog": ½ · 0 + ½ · 1/8.
    expect(found).toBeCloseTo(-Math.log(7 / 16) - Math.log(1 / 16), 12);
    expect(tokens).toBe(2);
  });
  it('knows the corpus alone where nothing was read', async () =>
    expect((await nats(' dog', { kind: 'continuation', text: '' })).nats).toBeCloseTo(Math.log(8), 12));
  it('reads of an explanation what it quotes, on either side', async () => {
    const explanation = 'Fires on " dog" after a cat.';
    expect((await nats(' dog', { kind: 'explanation', explanation })).nats).toBeCloseTo(-Math.log(1 / 2 + 1 / 16), 12);
    expect(await nats(explanation, { kind: 'continuation', text: ' dog' })).toEqual({
      nats: expect.closeTo(-Math.log(1 / 2 + 1 / 16), 12),
      tokens: 1,
    });
  });
  it('reads all of one that quotes nothing, and marks that are no token as they stand', async () => {
    expect((await nats(' a cat', { kind: 'continuation', text: ' a' })).tokens).toBe(2);
    expect((await nats('"\\q" cat', { kind: 'continuation', text: ' a' })).tokens).toBe(0);
  });
});

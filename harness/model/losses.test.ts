import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ortRuntime } from '../runtime/index.js';
import { wholeLogits } from '../testing.js';
import { openTextLosses, type TextLosses } from './losses.js';
import { type Model, openModel } from './open.js';

const TOKENS = Int32Array.from([5, 40, 17, 88, 23, 23]);
let model: Model;
let reader: TextLosses;
beforeAll(async () => {
  model = openModel('fixtures/world/model', { runtime: ortRuntime({ threads: 1 }) });
  reader = await openTextLosses(model);
}, 60_000);
afterAll(async () => {
  await reader.dispose();
  await model.dispose();
});

describe('losses of a text', () => {
  it('are those of the whole model, token by token', async () => {
    const logits = await wholeLogits(model, TOKENS);
    const plain = Array.from({ length: 4 }, (_, i) => {
      const row = logits.subarray((i + 1) * model.vocabulary, (i + 2) * model.vocabulary);
      const highest = row.reduce((a, b) => Math.max(a, b));
      return Math.log(row.reduce((sum, logit) => sum + Math.exp(logit - highest), 0)) + highest - row[TOKENS[i + 2]!]!;
    });
    const found = await reader.losses(TOKENS, 2);
    expect([...found]).toEqual(plain.map((nats) => expect.closeTo(nats, 3)));
  });
  it('are none where the text is given whole', async () =>
    expect(await reader.losses(TOKENS, TOKENS.length)).toHaveLength(0));
  it('of the first token there is none', () => expect(reader.losses(TOKENS, 0)).rejects.toThrow(/nothing before it/));
  it('refuse what is too long for the model', () =>
    expect(reader.losses(new Int32Array(model.contextLength! + 1), 1)).rejects.toMatchObject({
      code: 'PROMPT_TOO_LONG',
    }));
});

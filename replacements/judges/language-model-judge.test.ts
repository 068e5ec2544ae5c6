import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Model,
  openModel,
  openTextLosses,
  ortRuntime,
  type TextLosses,
  type Tokenizer,
} from '../../harness/index.js';
import { wholeLogits } from '../../harness/testing.js';
import { languageModelJudge } from './language-model-judge.js';
import { ourJudgePrompts } from './prompts.js';

const { signal } = new AbortController();
const runtime = ortRuntime({ threads: 1 });
let model: Model;
let lm: TextLosses;
let tokenizer: Tokenizer;
beforeAll(async () => {
  model = openModel('fixtures/world/model', { runtime });
  lm = await openTextLosses(model);
  tokenizer = await model.tokenizer();
}, 120_000);
afterAll(() => lm.dispose());

const text = ' The cat sat.';
const given = { kind: 'explanation', explanation: 'a cat that sat' } as const;

/** -ln p of each token behind `before`, by the whole model at once. */
async function plainly(before: Int32Array, tokens: Int32Array): Promise<number> {
  const logits = await wholeLogits(model, Int32Array.from([...before, ...tokens]));
  let nats = 0;
  for (const [at, token] of tokens.entries()) {
    const from = (before.length + at - 1) * model.vocabulary;
    const row = logits.subarray(from, from + model.vocabulary);
    const highest = row.reduce((a, b) => Math.max(a, b));
    nats += Math.log(row.reduce((sum, logit) => sum + Math.exp(logit - highest), 0)) + highest - row[token]!;
  }
  return nats;
}

describe('languageModelJudge', () => {
  it('gives the nats of a text behind what is given, as the whole model has them', async () => {
    const answer = await languageModelJudge(lm, tokenizer, { id: 'world' }).surprisal({ text, given }, signal);
    const before = tokenizer.encode(ourJudgePrompts.explained(given.explanation));
    const tokens = tokenizer.encode(text, { special: false });
    expect(answer).toEqual({
      value: { nats: expect.closeTo(await plainly(before, tokens), 3), tokens: tokens.length },
    });
  });
  it('is not surprised by no text', async () => {
    const judge = languageModelJudge(lm, tokenizer, { id: 'world' });
    expect(await judge.surprisal({ text: '', given }, signal)).toEqual({ value: { nats: 0, tokens: 0 } });
  });
  it('has no answer where a token is impossible', async () => {
    const losses: TextLosses['losses'] = async (tokens, from) =>
      new Float32Array(tokens.length - from).fill(Number.POSITIVE_INFINITY);
    const judge = languageModelJudge({ losses }, tokenizer, { id: 'world' });
    expect(await judge.surprisal({ text, given }, signal)).toEqual({ missing: 'unreadable answer' });
  });
  it('refuses what is too long for the model, and cuts nothing', () => {
    const judge = languageModelJudge(lm, tokenizer, { id: 'world' });
    return expect(judge.surprisal({ text: ' cat'.repeat(600), given }, signal)).rejects.toThrow(/was made for at most/);
  });
});

describe('what a language model reads before a text', () => {
  it('is these texts, whole', async () => {
    const { explained, continued } = ourJudgePrompts;
    const both = `${explained('Animals that sit, or {{text}}.')}[text]\n---\n${continued(' the cat sat')}[explanation]\n`;
    await expect(both).toMatchFileSnapshot('prompts/surprisal.example.txt');
  });
});

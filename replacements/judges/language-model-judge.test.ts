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
import { memoryAnswers } from '../simulated/index.js';
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

describe('a language model whose answers are kept', () => {
  /** Each token of a text costs as many nats as there are tokens before it; `read` counts. */
  function counting() {
    const seen = { read: 0 };
    const losses: TextLosses['losses'] = async (tokens, from) => {
      seen.read++;
      return Float32Array.from({ length: tokens.length - from }, (_, i) => 0.1 * (from + i));
    };
    return { seen, losses };
  }
  const judgeOf = (model: string, losses: TextLosses['losses'], store = memoryAnswers().surprisals) =>
    languageModelJudge({ losses }, tokenizer, { id: 'world', kept: { model, store } });

  it('reads nothing twice, and answers to the last digit as it did', async () => {
    const { surprisals } = memoryAnswers();
    const [first, again] = [counting(), counting()];
    const answers = async ({ losses }: typeof first) => {
      const judge = judgeOf('a', losses, surprisals);
      return [
        await judge.surprisal({ text, given }, signal),
        await judge.surprisal({ text: ' A cat.', given }, signal),
      ];
    };
    const found = await answers(first);
    expect(await answers(again)).toEqual(found);
    expect([first.seen.read, again.seen.read]).toEqual([2, 0]);
  });
  it('keeps apart what is read behind something else, and by another model', async () => {
    const { surprisals } = memoryAnswers();
    const { seen, losses } = counting();
    const continuation = { kind: 'continuation', text: given.explanation } as const;
    await judgeOf('a', losses, surprisals).surprisal({ text, given }, signal);
    await judgeOf('a', losses, surprisals).surprisal({ text, given: continuation }, signal);
    await judgeOf('b', losses, surprisals).surprisal({ text, given }, signal);
    expect([seen.read, await surprisals.count()]).toEqual([3, 3]);
  });
  it('reads once what is asked twice at once', async () => {
    const { seen, losses } = counting();
    const judge = judgeOf('a', losses);
    const [one, two] = await Promise.all([
      judge.surprisal({ text, given }, signal),
      judge.surprisal({ text, given }, signal),
    ]);
    expect(one).toEqual(two);
    expect(seen.read).toBe(1);
  });
  it('keeps that a text is impossible: read again, it would be', async () => {
    const { surprisals } = memoryAnswers();
    const impossible: TextLosses['losses'] = async () => Float32Array.of(Number.POSITIVE_INFINITY);
    expect(await judgeOf('a', impossible, surprisals).surprisal({ text, given }, signal)).toEqual({
      missing: 'unreadable answer',
    });
    const { seen, losses } = counting();
    expect(await judgeOf('a', losses, surprisals).surprisal({ text, given }, signal)).toEqual({
      missing: 'unreadable answer',
    });
    expect(seen.read).toBe(0);
  });
});

describe('what a language model reads before a text', () => {
  it('is these texts, whole', async () => {
    const { explained, continued } = ourJudgePrompts;
    const both = `${explained('Animals that sit, or {{text}}.')}[text]\n---\n${continued(' the cat sat')}[explanation]\n`;
    await expect(both).toMatchFileSnapshot('prompts/surprisal.example.txt');
  });
});

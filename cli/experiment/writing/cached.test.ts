import { describe, expect, it } from 'vitest';
import { writingKey } from './cached.js';
import { type WritingConfig, writingSchema } from './config.js';
import { describeWriting, planWriting } from './planned.js';

const source = {
  reader: { hookpoint: { id: 'layers.1.mlp' } },
  coder: { spec: { id: 'weights' } },
  seed: 0,
  contexts: ['context'],
  content: 'what fired',
};
const config = (change: object = {}): WritingConfig =>
  writingSchema.parse({ style: 'sentence', by: { kind: 'openai', model: 'm' }, refine: 1, ...change });
const keyOf = (change: object = {}, of = source): string => writingKey(config(change), of);

describe('the key of written explanations', () => {
  it('is the same wherever the model is served, and however fast', () => {
    const by = { kind: 'openai', model: 'm', baseUrl: 'http://elsewhere/v1', concurrency: 2, timeoutSeconds: 9 };
    expect(keyOf({ by })).toBe(keyOf());
  });
  it('does not hang on a judge whom nobody asks', () => {
    const judge = { kind: 'openai', model: 'other' };
    expect(keyOf({ refine: 0, judge })).toBe(keyOf({ refine: 0 }));
    expect(keyOf({ judge })).not.toBe(keyOf());
  });
  it.each<[string, object]>([
    ['style', { style: 'graded' }],
    ['number of rounds', { refine: 2 }],
    ['choice of examples', { examples: 'top' }],
    ['length', { words: 20 }],
    ['number of latents', { latents: 5 }],
    ['model', { by: { kind: 'openai', model: 'n' } }],
    ['way of asking it', { by: { kind: 'openai', model: 'm', extraBody: { top_k: 1 } } }],
  ])('is another for another %s', (_, change) => expect(keyOf(change)).not.toBe(keyOf()));
  it.each<[string, Partial<typeof source>]>([
    ['other latents fired', { content: 'something else' }],
    ['the text is another', { contexts: ['other'] }],
    ['the coder is another', { coder: { spec: { id: 'other' } } }],
    ['the seed is another', { seed: 1 }],
  ])('is another where %s', (_, change) => expect(keyOf({}, { ...source, ...change })).not.toBe(keyOf()));
});

describe('what writing is planned to cost', () => {
  const prices = { m: { usdPerMillionIn: 1, usdPerMillionOut: 10 } };
  it('is the tokens of texts and judgements at the price of who is asked', () => {
    const planned = planWriting(config(), 100, prices);
    const { promptTokens, answerTokens, queries, texts, judgements } = planned;
    expect(queries).toBe(texts + judgements);
    expect(planned.usd).toBeCloseTo((promptTokens + 10 * answerTokens) / 1e6, 3);
    expect(describeWriting(planned)).toMatch(
      /at most 100 latents: at most 400 texts and .* of m, who .*; at most about \$/,
    );
  });
  it('is not known where a price is not, and judges on this machine are free', () => {
    expect(planWriting(config(), 100, {}).usd).toBeNull();
    expect(planWriting(config({ judge: { kind: 'openai', model: 'n' } }), 100, prices).usd).toBeNull();
    const local = planWriting(config({ judge: { kind: 'local', model: 'n' } }), 100, prices);
    expect(local.usd).toBeLessThan(planWriting(config(), 100, prices).usd!);
  });
  it('names no judge where nobody has to read what is written', () => {
    const planned = planWriting(config({ refine: 0 }), 10, prices);
    expect(planned).toMatchObject({ texts: 20, judge: null, judgements: 0 });
    expect(planWriting(config({ refine: 0, style: 'sentence+score' }), 10, prices).judgements).toBeGreaterThan(0);
  });
});

import { describe, expect, it } from 'vitest';
import type { SteeredModel } from '../../harness/index.js';
import { divergence, STEERING_PLAN, steering, strengthOf } from './steer.js';

const WORDS = [' a', ' cat', ' dog'];
const { signal } = new AbortController();
const tokenizer = { surface: (token: number) => WORDS[token]! };
const log = (...shares: number[]) => Float32Array.from(shares, Math.log);

/** Says each word alike; what is added is added to the words' logits. `heard` keeps what it was asked. */
function model() {
  const heard: { tokens: number[]; from: number; additions: number }[] = [];
  const next: SteeredModel['next'] = async (tokens, from, additions) => {
    heard.push({ tokens: [...tokens], from, additions: additions.length });
    return additions.map((addition) => {
      const weights = WORDS.map((_, word) => Math.exp(addition?.[word] ?? 0));
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      return log(...weights.map((weight) => weight / total));
    });
  };
  return { next, heard };
}

describe('divergence, worked by hand', () => {
  it('is nothing between the same', () => expect(divergence(log(0.5, 0.5), log(0.5, 0.5))).toBe(0));
  // ½ ln(½ / ¼) + ½ ln(½ / ¾)
  it('is taken under the first', () =>
    expect(divergence(log(0.5, 0.5), log(0.25, 0.75))).toBeCloseTo(0.5 * Math.log(2) + 0.5 * Math.log(2 / 3), 6));
  it('costs nothing where the first is impossible', () =>
    expect(divergence(log(1, 0), log(0.5, 0.5))).toBeCloseTo(Math.LN2, 6));
});

describe('the strength for a wanted KL', () => {
  const tried = [
    { strength: 1, kl: 0.1 },
    { strength: 2, kl: 0.4 },
    { strength: 4, kl: 1.6 },
  ];
  // KL grows with the square here, so a KL of 0.9 is at 3.
  it('lies between those that were tried', () => expect(strengthOf(0.9, tried)).toBeCloseTo(3, 9));
  it('is the weakest where that is enough', () => expect(strengthOf(0.05, tried)).toBe(1));
  it('is none where the strongest is too weak', () => expect(strengthOf(2, tried)).toBeNull());
  it('is none that breaks the model', () => {
    const broken = [...tried, { strength: 8, kl: Number.POSITIVE_INFINITY }, { strength: 16, kl: Number.NaN }];
    expect(strengthOf(0.9, broken)).toBeCloseTo(3, 9);
    expect(strengthOf(2, broken)).toBeNull();
  });
});

describe('steering', () => {
  const prompts = [Int32Array.of(0, 1), Int32Array.of(2)];
  const cat = Float32Array.of(0, 1, 0);
  it('makes the model write of what the latent says, as strongly as was planned', async () => {
    const long = { ...STEERING_PLAN, newTokens: 40 };
    const pairs = await steering(model(), tokenizer, prompts, long, 's').pairs(cat, signal);
    expect(pairs).toHaveLength(2);
    const cats = (text: string) => text.split(' cat').length - 1;
    for (const { clean, steered, kl } of pairs) {
      expect(kl).toBeCloseTo(1, 1);
      // A KL of 1 makes what had a third of the probability all but certain.
      expect(cats(clean)).toBeLessThan(25);
      expect(cats(steered)).toBeGreaterThan(35);
    }
  });
  it('leaves alone what the model writes as it is', async () => {
    const of = steering(model(), tokenizer, prompts, STEERING_PLAN, 's');
    const [one, other] = [await of.pairs(cat, signal), await of.pairs(Float32Array.of(0, 0, 1), signal)];
    expect(one.map(({ clean }) => clean)).toEqual(other.map(({ clean }) => clean));
    expect(one.map(({ steered }) => steered)).not.toEqual(other.map(({ steered }) => steered));
  });
  it('adds from the prompt’s last token on', async () => {
    const { next, heard } = model();
    await steering({ next }, tokenizer, prompts, STEERING_PLAN, 's').pairs(cat, signal);
    for (const { tokens, from } of heard) expect(from).toBe(tokens[0] === 2 ? 0 : 1);
  });
  it('is the same again by the same seed', async () => {
    const pairs = (seed: string) => steering(model(), tokenizer, prompts, STEERING_PLAN, seed).pairs(cat, signal);
    expect(await pairs('s')).toEqual(await pairs('s'));
    expect(await pairs('s')).not.toEqual(await pairs('t'));
  });
  it('writes nothing for an effect too small to be told', async () => {
    const { next, heard } = model();
    const pairs = await steering({ next }, tokenizer, prompts, STEERING_PLAN, 's').pairs(new Float32Array(3), signal);
    expect(pairs).toEqual([]);
    // Once as it is, once with all strengths.
    expect(heard).toHaveLength(2 * prompts.length);
    expect(heard.every(({ tokens }) => tokens.length <= 2)).toBe(true);
  });
  it('stops when it is told to', async () => {
    const stopped = AbortSignal.abort(new Error('enough'));
    await expect(steering(model(), tokenizer, prompts, STEERING_PLAN, 's').pairs(cat, stopped)).rejects.toThrow(
      'enough',
    );
  });
});

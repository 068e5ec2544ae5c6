import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { Explanation } from '../../../explanations/index.js';
import { UsageError } from '../../../harness/index.js';
import type { Asker, Query, SlotAnswer } from '../asking/query.js';
import { readOuts } from '../read-outs/index.js';
import { openShape, type ShapeConfig } from '../shapes/index.js';
import { cell, questionAbout } from '../testing/contexts.js';
import { readingAsker } from '../testing/reading-asker.js';
import { simulatorContract } from '../testing/simulator-contract.js';
import { askingSimulator } from './asking.js';

const sentence = (latent: number, text: string): Explanation => ({
  hookpoint: 'layers.2.mlp',
  latent,
  provenance: { by: 'hand' },
  style: 'sentence',
  text,
});
const pattern = (latent: number, token: string, strength: number): Explanation => ({
  hookpoint: 'layers.2.mlp',
  latent,
  provenance: { by: 'hand' },
  style: 'pattern',
  rules: [{ tokens: [[token]], strength }],
});
const byLatent = (...explanations: Explanation[]): Map<number, Explanation> =>
  new Map(explanations.map((explanation) => [explanation.latent, explanation]));
const live = () => new AbortController().signal;

/** Fires on the token that the explanation names, the stronger the more text stands before it. */
const judge = (explanation: string, before: string, token: string): number =>
  explanation.includes(token.trim()) ? Math.min(9, 1 + before.length / 4) : 0;

const explanations = byLatent(sentence(5, 'a cat'), sentence(1, 'things that sat'), sentence(2, 'on'));
const SHAPES: readonly ShapeConfig[] = [
  { kind: 'last-token' },
  { kind: 'yes-no' },
  { kind: 'all-tokens', tokens: 3 },
  { kind: 'all-tokens', tokens: 32 },
  { kind: 'many-latents', latents: 2, seed: 0 },
];
const { expected } = readOuts;

for (const config of SHAPES) {
  const shape = openShape(config);
  simulatorContract(`asking by ${shape.id}`, () => ({
    simulator: askingSimulator({ asker: readingAsker(judge), shape, readOut: expected }),
    explanations,
  }));
}
simulatorContract('asking where nobody answers', () => {
  const asker = { id: 'nobody', ask: async () => null };
  return {
    simulator: askingSimulator({ asker, shape: openShape({ kind: 'last-token' }), readOut: expected }),
    explanations,
  };
});

const TEXT = [' the', ' cat', ' sat', ' on', ' the', ' cat'];
const everyToken = TEXT.map((_, i) => i);

/** Answers each query by a function of it and of how many came before. */
function answering(answer: (query: Query, index: number) => SlotAnswer | null | Promise<SlotAnswer | null>): Asker {
  let index = 0;
  return { id: 'mock', ask: async (query) => answer(query, index++) };
}
const certain = (...values: (number | null)[]): SlotAnswer => ({
  kind: 'rated',
  slots: values.map((value) => (value === null ? null : { values: [{ value, probability: 1 }] })),
});
const lastToken = openShape({ kind: 'last-token' });
const rate = (asker: Asker, { shape = lastToken, readOut = expected, underWay = 256 } = {}) =>
  askingSimulator({ asker, shape, readOut, underWay }).read(explanations).rate(questionAbout(TEXT, everyToken), live());

describe('askingSimulator', () => {
  it('is named by asker, shape and read-out, or as it is told', () => {
    const options = { asker: answering(() => null), shape: lastToken, readOut: expected };
    expect(askingSimulator(options).id).toBe('mock/last-token/expected');
    expect(askingSimulator({ ...options, id: 'llama' }).id).toBe('llama');
  });

  it.each(SHAPES)('gives each pair the rating that its own slot got: $kind', async (config) => {
    const block = await rate(readingAsker(judge), { shape: openShape(config) });
    for (const position of everyToken) {
      for (const [latent, text] of [
        [1, 'things that sat'],
        [2, 'on'],
        [5, 'a cat'],
      ] as const) {
        const rating = judge(text, TEXT.slice(0, position).join(''), TEXT[position]!);
        const wanted = config.kind === 'yes-no' ? 9 * Number(rating > 0) : rating;
        expect(cell(block, position, latent)).toBeCloseTo(wanted, 5);
      }
    }
  });

  it('reads a pattern as its sentence', async () => {
    const asker = readingAsker((explanation, _, token) =>
      explanation === 'Fires on " cat" (7).' && token === ' cat' ? 7 : 0,
    );
    const simulator = askingSimulator({ asker, shape: lastToken, readOut: expected });
    const block = await simulator.read(byLatent(pattern(0, ' cat', 7))).rate(questionAbout(TEXT, everyToken), live());
    expect(everyToken.map((row) => cell(block, row, 0))).toEqual([0, 7, 0, 0, 0, 7]);
  });

  it('says why a rating is missing, and of each slot by itself', async () => {
    const answers = [null, { kind: 'refused' } as const, certain(null), certain(4, 4)];
    const asker = answering((_, index) => (index < answers.length ? answers[index]! : certain(0)));
    const { missing } = await rate(asker);
    expect(missing).toEqual([
      { row: 0, latent: 1, why: 'failed' },
      { row: 0, latent: 2, why: 'refused' },
      { row: 0, latent: 5, why: 'unreadable answer' },
      { row: 1, latent: 1, why: 'unreadable answer' },
    ]);
    const many = openShape({ kind: 'many-latents', latents: 3, seed: 0 });
    const partly = await rate(
      answering(() => certain(2, null, 0)),
      { shape: many },
    );
    expect(partly.missing.map(({ why }) => why)).toEqual(everyToken.map(() => 'unreadable answer'));
    expect(partly.ids).toHaveLength(everyToken.length);
  });

  it('reads the same answers out in another way', async () => {
    const answer: SlotAnswer = {
      kind: 'rated',
      slots: [
        {
          values: [
            { value: 0, probability: 0.5 },
            { value: 8, probability: 0.25 },
          ],
        },
      ],
    };
    const first = async (readOut: (typeof readOuts)[keyof typeof readOuts]) =>
      (
        await rate(
          answering(() => answer),
          { readOut },
        )
      ).values[0];
    expect(await first(readOuts.expected)).toBeCloseTo(8 / 3, 5);
    expect(await first(readOuts['expected-unnormalised'])).toBeCloseTo(2, 5);
    expect(await first(readOuts['probability-of-firing'])).toBeCloseTo(3, 5);
  });

  it('has no more queries under way than it may, and none written beyond them', async () => {
    let underWay = 0;
    let most = 0;
    let written = 0;
    let answered = 0;
    const asker = answering(async () => {
      most = Math.max(most, ++underWay);
      expect(written - answered).toBeLessThanOrEqual(4);
      await new Promise((resolve) => setImmediate(resolve));
      underWay--;
      answered++;
      return certain(1);
    });
    const counted = {
      ...lastToken,
      *shape(...input: Parameters<typeof lastToken.shape>) {
        for (const each of lastToken.shape(...input)) {
          written++;
          yield each;
        }
      },
    };
    await rate(asker, { shape: counted, underWay: 4 });
    expect([most, written]).toEqual([4, 18]);
  });

  it('asks nothing more after what no retry can mend, and waits for what is under way', async () => {
    const wrongKey = new UsageError('ENDPOINT_REJECTED_KEY', 'The key was rejected.', 'Set another.');
    let asked = 0;
    let finished = 0;
    const asker = answering(async (_, index) => {
      asked++;
      if (index === 1) throw wrongKey;
      await new Promise((resolve) => setTimeout(resolve, 5));
      finished++;
      return certain(1);
    });
    await expect(rate(asker, { underWay: 3 })).rejects.toBe(wrongKey);
    expect([asked, finished]).toEqual([3, 2]);
  });

  it('names the latent whose question cannot be put, and what is wrong with it', async () => {
    const asker = answering(({ user }) => {
      if (user.includes('things that sat')) throw new UsageError('PROMPT_TOO_LONG', 'A prompt is long.', 'Shorten it.');
      return certain(1);
    });
    await expect(rate(asker)).rejects.toMatchObject({
      code: 'PROMPT_TOO_LONG',
      message: 'Asking about latent 1: A prompt is long.\n  Shorten it.',
    });
  });

  it('hands the abort on and leaves no listener behind', async () => {
    const controller = new AbortController();
    const reason = new Error('stopped by the user');
    const asker: Asker = {
      id: 'slow',
      ask: (_, signal) =>
        new Promise((__, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true })),
    };
    const reader = askingSimulator({ asker, shape: lastToken, readOut: expected }).read(explanations);
    const rating = reader.rate(questionAbout(TEXT, everyToken), controller.signal);
    controller.abort(reason);
    await expect(rating).rejects.toBe(reason);
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  });
});

import { describe, expect, it } from 'vitest';
import { type Context, type Random, seededRandom } from '../../harness/index.js';
import {
  compileExplanations,
  explanationFlaw,
  explanationLength,
  explanationSchema,
  explanationText,
  isExecutable,
} from '../explanation.js';
import { type ExplainedStyle, type ExplainerEvidence, explain, explainedStyles, explainerNeeds } from './index.js';

const LATENTS = 5;
const count = (text: string): number => text.split(' ').length;

function contextsFrom(random: Random): Context[] {
  return Array.from({ length: 40 }, (_, i) => {
    const text = Array.from({ length: 30 }, () => random.pick(Array.from('abcdefgh')));
    return { id: String(i), tokens: new Int32Array(text.length), text };
  });
}

/** 0 fires on "a", 1 on "b" after "c" and weakly on "d", 2 on "c" but after "d", 3 never, 4 on "a" after "b". */
function activationOf(latent: number, last: string, before: string | undefined): number {
  if (latent === 0) return last === 'a' ? 4 : 0;
  if (latent === 1) return last === 'b' && before === 'c' ? 8 : last === 'd' ? 1 : 0;
  if (latent === 2) return last === 'c' && before !== 'd' ? 3 : 0;
  return latent === 4 && last === 'a' && before === 'b' ? 2 : 0;
}

function evidenceFrom(seed: string): ExplainerEvidence {
  const contexts = contextsFrom(seededRandom(seed));
  const rows = [0];
  const ids: number[] = [];
  const values: number[] = [];
  for (const { text } of contexts) {
    for (const [i, token] of text.entries()) {
      for (let latent = 0; latent < LATENTS; latent++) {
        const activation = activationOf(latent, token, text[i - 1]);
        if (activation === 0) continue;
        ids.push(latent);
        values.push(activation);
      }
      rows.push(ids.length);
    }
  }
  return {
    contexts,
    activations: {
      positions: rows.length - 1,
      latents: LATENTS,
      rows: Uint32Array.from(rows),
      ids: Uint32Array.from(ids),
      values: Float32Array.from(values),
    },
    hookpoint: 'layers.1.mlp',
    latentScale: Float32Array.of(4, 8, 3, 0, 2),
    directions: { width: 2, rows: Float32Array.of(1, 0, 0, 1, 1, 1, 1, 0, -1, 1) },
    neighbours: [[4, 1], [2], [1, 0], [], [0]],
    promoted: Array.from({ length: LATENTS }, () => [
      { token: ' ran', weight: 2.412 },
      { token: ' sat', weight: 2.408 },
      { token: ' lay', weight: 1.2 },
      { token: ' was', weight: 0.1 },
    ]),
  };
}

const evidence = evidenceFrom('explainers');
const options = { maxTokens: 24, seed: 0, count };
const write = (style: ExplainedStyle, change: Partial<typeof options> = {}) =>
  explain(style, evidence, { ...options, ...change });

describe.each(explainedStyles)('the explainer of %s', (style) => {
  const explanations = write(style);

  it('explains the latents that fire, in order, in its style and with provenance', () => {
    expect(explanations.map(({ latent }) => latent)).toEqual([0, 1, 2, 4]);
    for (const each of explanations) {
      expect(each.style).toBe(style);
      expect(each.hookpoint).toBe('layers.1.mlp');
      expect(each.provenance.by).not.toBe('');
    }
  });

  it('writes records that are read again as they were', () => {
    for (const each of explanations) {
      expect(explanationSchema.parse(JSON.parse(JSON.stringify(each)))).toEqual(each);
      expect(explanationFlaw(each)).toBeNull();
      expect(explanationText(each)).not.toBe('');
    }
  });

  it.each([1, 2, 3, 5, 8, 13, 21, 100])('keeps within %i tokens', (maxTokens) => {
    for (const each of write(style, { maxTokens })) {
      expect(explanationLength(each, count)).toBeLessThanOrEqual(maxTokens);
    }
  });

  it('writes the same from the same seed', () => expect(write(style)).toEqual(explanations));

  it('tells of its progress up to the end', () => {
    const told: string[] = [];
    explain(style, evidence, { ...options, onLatent: (done, total) => told.push(`${done}/${total}`) });
    expect(told.at(-1)).toBe('5/5');
    const done = told.map((each) => Number(each.split('/')[0]));
    expect(done).toEqual(done.toSorted((a, b) => a - b));
  });

  it('takes over provenance', () => {
    const [first] = explain(style, evidence, { ...options, provenance: { coder: 'weights' } });
    expect(first!.provenance.coder).toBe('weights');
  });

  it('refuses evidence that lacks what it needs', () => {
    const bare = { ...evidence, neighbours: null, promoted: null };
    if (explainerNeeds(style).length === 0) expect(explain(style, bare, options)).toEqual(explanations);
    else expect(() => explain(style, bare, options)).toThrow(/needs (neighbours|promoted), and the evidence has none/);
  });

  it('refuses activations of another text', () => {
    const shorter = { ...evidence, contexts: evidence.contexts.slice(1) };
    expect(() => explain(style, shorter, options)).toThrow(RangeError);
  });

  if (!isExecutable(style)) return;
  it('predicts fresh text exactly, where rules can say what happens', () => {
    const rater = compileExplanations(new Map(explanations.map((each) => [each.latent, each])));
    for (const { text } of contextsFrom(seededRandom('fresh')).slice(0, 5)) {
      const positions = text.map((_, i) => i);
      const { rows, ids, values } = rater.rate(text, positions);
      for (const i of positions.slice(1)) {
        const rated = new Map(
          Array.from(ids.subarray(rows[i], rows[i + 1]), (latent, at) => [latent, values[rows[i]! + at]!]),
        );
        for (const latent of [0, 1, 2, 4]) {
          const activation = activationOf(latent, text[i]!, text[i - 1]);
          expect(rated.get(latent) ?? 0).toBeCloseTo((9 * activation) / evidence.latentScale[latent]!, 0);
        }
      }
    }
  });
});

const of = (style: ExplainedStyle, latent: number, change: Partial<typeof options> = {}) =>
  write(style, change).find((each) => each.latent === latent);

describe('what explainers write', () => {
  it('clauses: one a strength, in words', () => {
    expect(of('clauses', 1)).toMatchObject({
      clauses: [
        { when: '"b" after "c"', strength: 9 },
        { when: '"d"', strength: 1 },
      ],
    });
  });

  it('graded: each strength under the grade that it is nearest to', () => {
    expect(of('graded', 1)).toMatchObject({ grades: { '9': '"b" after "c"', '1': '"d"' } });
  });

  it('contrastive: against the most similar latents, by the tokens on which only they fire', () => {
    expect(of('contrastive', 2)).toMatchObject({ fires: '"c"', not: expect.stringContaining('"a"'), against: [1, 0] });
  });

  it('exemplars: contexts that end where it fires', () => {
    const exemplars = of('exemplars', 4);
    if (exemplars?.style !== 'exemplars') throw new Error('no exemplars');
    for (const { tokens, ratings } of exemplars.contexts) {
      expect(tokens.slice(-2)).toEqual(['b', 'a']);
      expect(ratings.at(-1)).toBe(9);
    }
  });

  it('output: the strongest tokens, without those that say next to nothing', () => {
    expect(of('output', 0)).toMatchObject({
      promotes: [
        { token: ' ran', weight: 2.4 },
        { token: ' sat', weight: 2.4 },
        { token: ' lay', weight: 1.2 },
      ],
    });
    expect(of('output', 0, { maxTokens: 3 })).toMatchObject({ promotes: [{ token: ' ran' }, { token: ' sat' }] });
  });

  it('frequency: the share of tokens, and the mean strength where there is room', () => {
    const { positions, rows, ids } = evidence.activations;
    const times = ids.filter((id) => id === 0).length;
    expect(rows.at(-1)).toBe(ids.length);
    expect(of('frequency', 0)).toMatchObject({ rate: Number((times / positions).toPrecision(2)), strength: 9 });
    expect(of('frequency', 0, { maxTokens: 1 })).not.toHaveProperty('strength');
  });

  it('a program: longer rules first, since the first case that holds decides', () => {
    const program = of('program', 1);
    expect(program).toMatchObject({ source: 'if ngram("c", "b") then 9 else if token in "d" then 1' });
  });

  it('nothing where nothing can be said in so few tokens', () =>
    expect(write('exemplars', { maxTokens: 1 })).toEqual([]));
});

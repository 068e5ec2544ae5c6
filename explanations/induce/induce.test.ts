import { describe, expect, it } from 'vitest';
import { type Context, type LatentActivations, type Random, seededRandom } from '../../harness/index.js';
import type { Rule } from '../explanation.js';
import { compilePatterns } from '../pattern/matcher.js';
import { findAmbiguity, patternLength, ratePattern } from '../pattern/pattern.js';
import { buildCells } from './cells.js';
import { byLatent } from './evidence.js';
import { type InduceOptions, inducePatterns } from './induce.js';
import { indexNgrams } from './ngrams.js';
import { type DraftRule, RuleFit } from './rule-fit.js';
import { chooseShrinkage } from './shrinkage.js';

const ALPHABET = Array.from('abcdefghijkl');

function randomContexts(random: Random, count: number, length: number): Context[] {
  return Array.from({ length: count }, (_, i) => {
    const text = Array.from({ length }, () => random.pick(ALPHABET));
    return { id: String(i), tokens: new Int32Array(length), text };
  });
}

/** What latents with these hidden rules do on a text, with noise on every activation and some missed. */
function activationsFrom(
  hidden: readonly (readonly Rule[])[],
  contexts: readonly Context[],
  noise: number,
  random: Random,
): LatentActivations {
  const rows = [0];
  const ids: number[] = [];
  const values: number[] = [];
  for (const { text } of contexts) {
    for (let position = 0; position < text.length; position++) {
      for (const [latent, rules] of hidden.entries()) {
        const strength = ratePattern(rules, text, position);
        const activation = strength === 0 ? 0 : 0.5 * strength * (1 + noise * random.normal());
        if (activation <= 0) continue;
        ids.push(latent);
        values.push(activation);
      }
      rows.push(ids.length);
    }
  }
  return {
    positions: rows.length - 1,
    latents: hidden.length,
    rows: Uint32Array.from(rows),
    ids: Uint32Array.from(ids),
    values: Float32Array.from(values),
  };
}

const hidden: readonly (readonly Rule[])[] = [
  [{ tokens: [['a']], strength: 9 }],
  // A set, an exception, and something else.
  [
    { tokens: [['b', 'c', 'd']], strength: 9 },
    { tokens: [['e'], ['b', 'c', 'd']], strength: 0 },
    {
      tokens: [
        ['f', 'g'],
        ['h', 'i'],
      ],
      strength: 5,
    },
  ],
  [{ tokens: [['a', 'b'], ['c'], ['d']], strength: 9 }],
  [],
];

function inducedFrom(seed: string, noise: number, options: Partial<InduceOptions> = {}) {
  const random = seededRandom(seed);
  const contexts = randomContexts(random, 120, 100);
  const activations = activationsFrom(hidden, contexts, noise, random);
  return inducePatterns({
    contexts,
    activations,
    hookpoint: 'layers.2.mlp',
    maxTokens: 32,
    latentScale: new Float32Array(hidden.length).fill(4.5),
    seed: 1,
    ...options,
  });
}

describe('inducePatterns', () => {
  it('finds the rules that made the activations', () => {
    const [single, mixed, triple] = inducedFrom('plain', 0);
    expect(single!.rules).toEqual(hidden[0]);
    expect(mixed!.rules).toContainEqual({ tokens: [['b', 'c', 'd']], strength: 9 });
    expect(mixed!.rules).toContainEqual({ tokens: [['e'], ['b', 'c', 'd']], strength: 0 });
    expect(patternLength(mixed!.rules)).toBe(patternLength(hidden[1]!));
    expect(triple!.rules).toMatchObject([{ tokens: [['a', 'b'], ['c'], ['d']] }]);
  });
  it('tells strengths apart by half a rating', () => {
    const random = seededRandom('halves');
    const contexts = randomContexts(random, 120, 100);
    const rules = [9, 2.5].map((strength, i) => ({ tokens: [[ALPHABET[i]!]], strength }));
    const activations = activationsFrom([rules], contexts, 0, random);
    expect(inducedFrom('halves', 0, { contexts, activations })[0]!.rules).toEqual(rules);
  });
  it('says nothing of a latent that never fires', () => {
    expect(inducedFrom('plain', 0).map(({ latent }) => latent)).toEqual([0, 1, 2]);
  });
  it('predicts fresh text from noisy activations', () => {
    const patterns = new Map(inducedFrom('noisy', 0.3).map(({ latent, rules }) => [latent, rules]));
    const random = seededRandom('fresh');
    const contexts = randomContexts(random, 20, 100);
    let [error, energy] = [0, 0];
    for (const { text } of contexts) {
      for (let position = 0; position < text.length; position++) {
        for (const [latent, rules] of patterns) {
          const truth = ratePattern(hidden[latent]!, text, position);
          error += (ratePattern(rules, text, position) - truth) ** 2;
          energy += truth ** 2;
        }
      }
    }
    expect(error / energy).toBeLessThan(0.05);
  });
  it.each([1, 2, 3, 5, 8, 13])('keeps within %i tokens', (maxTokens) => {
    for (const { rules } of inducedFrom('small', 0.2, { maxTokens })) {
      expect(patternLength(rules)).toBeLessThanOrEqual(maxTokens);
    }
  });
  it.each(['x', 'y', 'z'])('never writes rules that contradict each other (seed %s)', (seed) => {
    for (const { rules } of inducedFrom(seed, 0.8, { maxTokens: 64 })) expect(findAmbiguity(rules)).toBeUndefined();
  });
  it('fits no worse with more tokens', () => {
    const random = seededRandom('budget');
    const contexts = randomContexts(random, 120, 100);
    const activations = activationsFrom(hidden, contexts, 0.2, random);
    const latentScale = new Float32Array(hidden.length).fill(4.5);
    const error = (maxTokens: number): number => {
      const found = inducePatterns({ contexts, activations, hookpoint: 'h', maxTokens, latentScale, seed: 1 });
      const matcher = compilePatterns(new Map(found.map(({ latent, rules }) => [latent, rules])));
      const sparse = byLatent(activations);
      let sum = 0;
      let start = 0;
      for (const { text } of contexts) {
        const rated = matcher.rate(text, [...text.keys()]);
        rated.ids.forEach((_, i) => {
          sum += (rated.values[i]! / 2) ** 2;
        });
        for (let row = 0; row < text.length; row++) {
          for (let i = rated.rows[row]!; i < rated.rows[row + 1]!; i++) {
            const latent = rated.ids[i]!;
            const [from, to] = [sparse.starts[latent]!, sparse.starts[latent + 1]!];
            const at = sparse.positions.subarray(from, to).indexOf(start + row);
            if (at >= 0) sum -= rated.values[i]! * sparse.values[from + at]!;
          }
        }
        start += text.length;
      }
      return sum;
    };
    const errors = [2, 4, 8, 16].map(error);
    expect(errors).toEqual([...errors].sort((a, b) => b - a));
  });
  describe('with what latents write', () => {
    const directions = (rows: readonly number[]) => ({ width: 4, rows: Float32Array.from(rows) });
    const apart = directions([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]);
    it('writes the same where no latent writes what another does', () => {
      const found = inducedFrom('apart', 0.3, { directions: apart, maxTokens: 6 });
      expect(found).toEqual(inducedFrom('apart', 0.3, { maxTokens: 6 }));
    });
    it('leaves to one of two latents that write alike what the other says already', () => {
      const random = seededRandom('alike');
      const contexts = randomContexts(random, 80, 60);
      const rules: readonly Rule[] = [
        { tokens: [['a']], strength: 9 },
        { tokens: [['b']], strength: 8 },
        { tokens: [['c']], strength: 7 },
        { tokens: [['d']], strength: 6 },
      ];
      // The second writes the opposite of the first: of what both do, nothing arrives.
      const activations = activationsFrom([rules, rules.slice(1)], contexts, 0, random);
      const options = { contexts, activations, hookpoint: 'h', maxTokens: 2, latentScale: Float32Array.of(4.5, 4.5) };
      const first = (opposite: number) =>
        inducePatterns({ ...options, seed: 1, directions: { width: 1, rows: Float32Array.of(1, opposite) } })[1]!.rules;
      expect(first(0)).toEqual(inducePatterns({ ...options, seed: 1 })[1]!.rules);
      // Together with the first's rule for `a` nothing else is missing, so that a rule for `b` would do harm.
      expect(first(-1)).toEqual([]);
    });
    it('states strengths that the latent itself has', () => {
      const found = inducedFrom('own', 0, { directions: directions(Array(16).fill(1)), maxTokens: 16 });
      expect(found[0]!.rules).toEqual(hidden[0]);
    });
  });
  it('gives the same for the same evidence and seed', () => {
    expect(inducedFrom('same', 0.3)).toEqual(inducedFrom('same', 0.3));
  });
  it('records where it came from', () => {
    const [first] = inducedFrom('plain', 0, { provenance: { evidence: 'abc' } });
    expect(first).toMatchObject({
      hookpoint: 'layers.2.mlp',
      style: 'pattern',
      provenance: { by: 'induce-pattern', evidence: 'abc' },
    });
  });
  it('refuses activations of another text', () => {
    const contexts = randomContexts(seededRandom(1), 2, 10);
    expect(() => inducedFrom('plain', 0, { contexts })).toThrow(/12000 rows of activations for 20 tokens/);
  });
});

describe('chooseShrinkage', () => {
  it('shrinks more where activations are noisier', () => {
    const random = seededRandom('shrink');
    const contexts = randomContexts(random, 60, 60);
    const space = buildCells(indexNgrams(contexts, 3));
    const total = ([exact, noisy]: number[]): boolean => exact! < noisy!;
    const pseudo = [0, 2].map((noise) => {
      const activations = activationsFrom(hidden.slice(1, 2), contexts, noise, random);
      const { last, pair, cell } = chooseShrinkage(space, { contexts, activations }, 1);
      return last + pair + cell;
    });
    expect(total(pseudo)).toBe(true);
  });
});

describe('indexNgrams', () => {
  it('numbers what occurs, and does not reach across contexts', () => {
    const contexts = [
      { id: '1', tokens: new Int32Array(2), text: ['a', 'b'] },
      { id: '2', tokens: new Int32Array(2), text: ['b', 'b'] },
    ];
    const { symbols, levels } = indexNgrams(contexts, 2);
    expect(symbols).toEqual(['a', 'b']);
    expect([...levels[0]!.at]).toEqual([0, 1, 1, 1]);
    // (start, a), (a, b), (start, b), (b, b)
    expect([...levels[1]!.at]).toEqual([0, 1, 2, 3]);
    expect([...levels[1]!.oldest]).toEqual([2, 0, 2, 1]);
    expect(levels[1]!.find(1, 0)).toBe(1);
    expect(levels[1]!.find(0, 1)).toBeUndefined();
  });
});

describe('RuleFit', () => {
  const setUp = (seed: number) => {
    const random = seededRandom(seed);
    const contexts = randomContexts(random, 10, 60);
    const space = buildCells(indexNgrams(contexts, 3));
    const fit = new RuleFit(space);
    fit.target.forEach((_, cell) => {
      fit.target[cell] = 9 * random.next();
      fit.goal[cell] = fit.target[cell]!;
    });
    fit.begin([...space.symbols.keys()]);
    const rules: DraftRule[] = [];
    while (rules.length < 8) {
      const length = 1 + random.integer(3);
      const slots = Array.from({ length }, () =>
        random.shuffle([...space.symbols.keys()]).slice(0, 1 + random.integer(3)),
      );
      const draft = { slots, strength: random.integer(10) };
      if (findAmbiguity([...rules, draft].map(toRule)) === undefined) rules.push(draft);
    }
    return { contexts, space, fit, rules };
  };
  const toRule = ({ slots, strength }: DraftRule): Rule => ({
    tokens: slots.map((slot) => slot.map(String)),
    strength,
  });
  /** By the plain matcher over every position. */
  const plainError = ({ contexts, space, fit }: ReturnType<typeof setUp>, rules: readonly DraftRule[]): number => {
    let position = 0;
    let error = 0;
    for (const { text } of contexts) {
      const symbols = text.map((token) => String(space.symbols.indexOf(token)));
      for (let i = 0; i < text.length; i++) {
        const target = fit.target[space.cellAt[position++]!]!;
        error += (ratePattern(rules.map(toRule), symbols, i) - target) ** 2 - target ** 2;
      }
    }
    return error;
  };

  it.each([1, 2, 3])('agrees with the plain matcher after every rule (seed %i)', (seed) => {
    const setup = setUp(seed);
    setup.rules.forEach((rule, i) => {
      setup.fit.add(rule);
      expect(setup.fit.error).toBeCloseTo(plainError(setup, setup.rules.slice(0, i + 1)), 6);
    });
  });
  it.each([1, 2, 3])('foretells what an atom gains (seed %i)', (seed) => {
    const { fit, rules, space } = setUp(seed);
    fit.rebuild(rules);
    for (const symbols of [[0], [1, 2], [3, 4], [5, 6, 7]]) {
      const atom = fit.atom(symbols);
      if (atom < 0 || fit.decided(symbols) >= 0) continue;
      const [before, gain] = [fit.error, fit.gain(symbols.length, atom, 4)];
      fit.add({ slots: symbols.map((symbol) => [symbol]), strength: 4 });
      expect(before - fit.error).toBeCloseTo(gain, 6);
    }
    expect(space.symbols).toHaveLength(12);
  });
  it.each([1, 2, 3])('knows the best strength for rules that share one (seed %i)', (seed) => {
    const { fit, rules } = setUp(seed);
    const sharing = (strength: number): number => {
      fit.rebuild(rules.map((rule) => ({ ...rule, strength })));
      return fit.error;
    };
    sharing(1);
    const best = fit.commonStrength(rules)!;
    expect([best - 1, best, best + 1].map(sharing).indexOf(Math.min(...[best - 1, best, best + 1].map(sharing)))).toBe(
      1,
    );
  });
  it('has no strength for rules that decide nothing', () => {
    const { fit } = setUp(1);
    expect(fit.commonStrength([{ slots: [[0]], strength: 3 }])).toBeNull();
  });
  it.each([1, 2, 3])('foretells what leaving out a rule loses (seed %i)', (seed) => {
    const setup = setUp(seed);
    // Without overlap of one length, for which the loss is an upper bound.
    const rules = setup.rules.filter(
      ({ slots }, i) => setup.rules.findIndex((other) => other.slots.length === slots.length) === i,
    );
    for (const [index, rule] of rules.entries()) {
      setup.fit.rebuild(rules);
      const [before, loss] = [setup.fit.error, setup.fit.lossWithout(rule.slots)];
      setup.fit.rebuild(rules.toSpliced(index, 1));
      expect(setup.fit.error - before).toBeCloseTo(loss, 6);
    }
  });
});

import { describe, expect, it } from 'vitest';
import { type Random, seededRandom } from '../../harness/index.js';
import { explanationFlaw, type Rule } from '../explanation.js';
import { describePattern } from './describe.js';
import { compilePatterns } from './matcher.js';
import { findAmbiguity, patternLength, ratePattern } from './pattern.js';

const rule = (tokens: string[][], strength: number): Rule => ({ tokens, strength });
const cat = rule([[' cat']], 9);
const bigDog = rule([[' big', ' fat'], [' dog']], 6);
const noCat = rule([[' no'], [' cat']], 0);

describe('ratePattern', () => {
  const rate = (...text: string[]): number => ratePattern([cat, bigDog, noCat], text, text.length - 1);

  it('gives the strength of the rule that matches at the current token', () => {
    expect(rate(' the', ' cat')).toBe(9);
    expect(rate(' fat', ' dog')).toBe(6);
  });
  it('is 0 where no rule matches', () => expect(rate(' cat', ' dog')).toBe(0));
  it('lets the longest match decide, so an exception is a longer rule of strength 0', () => {
    expect(rate(' no', ' cat')).toBe(0);
  });
  it('does not match across the start of the text', () => expect(rate(' dog')).toBe(0));
  it('sees nothing beyond the position', () => {
    expect(ratePattern([cat], [' a', ' cat'], 0)).toBe(0);
  });
  it('gives the same whatever the order of the rules', () => {
    for (const text of [[' cat'], [' no', ' cat'], [' big', ' dog']]) {
      const position = text.length - 1;
      expect(ratePattern([noCat, bigDog, cat], text, position)).toBe(ratePattern([cat, bigDog, noCat], text, position));
    }
  });
});

describe('patternLength', () => {
  it('is 0 for the empty pattern', () => expect(patternLength([])).toBe(0));
  it('counts every alternative and every strength', () =>
    expect(patternLength([cat, bigDog, noCat])).toBe(1 + 3 + 2 + 3));
  it('pays a strength that rules share once', () => expect(patternLength([cat, rule([[' dog']], 9)])).toBe(3));
});

describe('findAmbiguity', () => {
  it('finds two rules of one length that match the same tokens with different strengths', () => {
    const other = rule([[' fat'], [' dog', ' cow']], 3);
    expect(findAmbiguity([cat, bigDog, other])).toEqual([bigDog, other]);
  });
  it('does not mind overlap of equal strength or of another length', () => {
    expect(findAmbiguity([bigDog, rule([[' fat'], [' dog', ' cow']], 6), rule([[' dog']], 1)])).toBeUndefined();
  });
});

describe('a pattern from a file', () => {
  const flawOf = (rules: readonly Rule[]) =>
    explanationFlaw({
      hookpoint: 'layers.1.mlp',
      latent: 0,
      style: 'pattern',
      rules: [...rules],
      provenance: { by: 'x' },
    });
  it.each([
    ['that end in different tokens', (i: number) => rule([[`t${i}`]], i % 9)],
    ['that end in the same token', (i: number) => rule([[`t${i}`], ['the']], i % 9)],
    ['of one strength', () => rule([['a', 'b'], ['the']], 4)],
  ])('may have thousands of rules %s, and is read in a moment', (_, of) => {
    const start = performance.now();
    expect(flawOf(Array.from({ length: 2000 }, (__, i) => of(i)))).toBeNull();
    expect(performance.now() - start).toBeLessThan(5000);
  });
  it('is refused beyond what can be looked through', () =>
    expect(flawOf(Array.from({ length: 60_000 }, (_, i) => rule([[`t${i}`]], 3)))?.found).toMatch(
      /^has rules of 60001 tokens in all, and at most 50000 are read\.$/,
    ));
});

describe('describePattern', () => {
  it('is one sentence, strongest first and exceptions last', () => {
    expect(describePattern([noCat, bigDog, cat])).toBe(
      'Fires on " cat" (9), on " dog" after " big" or " fat" (6), but not on " cat" after " no".',
    );
  });
  it('prints rules of one strength as a group', () => {
    expect(describePattern([cat, rule([['o'], ['n'], ['e']], 9), bigDog])).toBe(
      'Fires on " cat", on "e" after "o" then "n" (9), on " dog" after " big" or " fat" (6).',
    );
  });
  it('makes every token visible', () => {
    expect(describePattern([rule([['\n', ' ', '"', '\u00a0', '\u200b', '']], 1)])).toBe(
      'Fires on "\\n" or " " or "\\"" or "\\u{a0}" or "\\u{200b}" or "" (1).',
    );
  });
  it('tells apart patterns that differ in any token, slot, alternative or strength', () => {
    const patterns: Rule[][] = [
      [],
      [rule([['a']], 0)],
      [rule([['a']], 1)],
      [rule([['a', 'b']], 1)],
      [rule([['b'], ['a']], 1)],
      [rule([['a or b']], 1)],
      [rule([['a" or "b']], 1)],
      [rule([['a']], 1), rule([['b']], 0)],
      [rule([['c'], ['b'], ['a']], 1)],
      [rule([['c', 'b'], ['a']], 1)],
      [rule([['a']], 1), rule([['b']], 2)],
      [rule([['a']], 1.5)],
    ];
    expect(new Set(patterns.map(describePattern)).size).toBe(patterns.length);
  });
});

const ALPHABET = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];

function randomPattern(random: Random): Rule[] {
  const rules: Rule[] = [];
  for (let attempt = 0; attempt < 12; attempt++) {
    const candidate = rule(
      Array.from({ length: 1 + random.integer(4) }, () => random.shuffle(ALPHABET).slice(0, 1 + random.integer(3))),
      random.integer(10),
    );
    if (findAmbiguity([...rules, candidate]) === undefined) rules.push(candidate);
  }
  return rules;
}

describe('compilePatterns', () => {
  it.each([1, 2, 3, 4, 5])('agrees with the plain matcher on random patterns and texts (seed %i)', (seed) => {
    const random = seededRandom(seed);
    const patterns = new Map(Array.from({ length: 30 }, (_, i) => [random.integer(5) + 10 * i, randomPattern(random)]));
    // "x" is in no pattern.
    const text = Array.from({ length: 200 }, () => random.pick([...ALPHABET, 'x']));
    const positions = text.map((_, i) => i).filter(() => random.next() < 0.7);
    const rated = compilePatterns(patterns).rate(text, positions);
    positions.forEach((position, row) => {
      const sparse = new Map<number, number>();
      for (let i = rated.rows[row]!; i < rated.rows[row + 1]!; i++) sparse.set(rated.ids[i]!, rated.values[i]!);
      for (const [latent, rules] of patterns) {
        expect(sparse.get(latent) ?? 0).toBe(ratePattern(rules, text, position));
      }
      expect([...sparse.keys()]).toEqual([...sparse.keys()].sort((a, b) => a - b));
    });
  });

  it('examines only rules whose last two tokens are there', () => {
    const tokens = Array.from({ length: 100 }, (_, i) => `t${i}`);
    const patterns = new Map(tokens.map((token, i) => [i, [rule([['t0'], [token]], 5), rule([[token]], 1)]]));
    const { examined, values } = compilePatterns(patterns).rate(
      tokens,
      tokens.map((_, i) => i),
    );
    // Every token has one rule of its own; only "t1" follows "t0". Plain: 100 positions x 200 rules.
    expect(examined).toBe(101);
    expect(values[1]).toBe(5);
  });

  it('matches rules too wide for the pair index', () => {
    const wide = Array.from({ length: 80 }, (_, i) => `t${i}`);
    const matcher = compilePatterns(new Map([[7, [rule([wide, wide], 4)]]]));
    expect([...matcher.rate(['t3', 't9', 'x'], [0, 1, 2]).rows]).toEqual([0, 0, 1, 1]);
  });
});

import { describe, expect, it } from 'vitest';
import { type Context, seededRandom } from '../../harness/index.js';
import type { Rule } from '../explanation.js';
import { rateProgram } from '../program/evaluate.js';
import { programOfOrdered } from '../program/from.js';
import { ClassMerger } from './classes.js';
import type { ExplainerEvidence } from './explainer.js';

/** Evidence of one latent, whose activation at each token is told by it and the one before it. */
function evidenceOf(
  texts: readonly (readonly string[])[],
  activation: (token: string, before: string | undefined) => number,
): ExplainerEvidence {
  const contexts = texts.map((text, i): Context => ({ id: String(i), tokens: new Int32Array(text.length), text }));
  const values = texts.flatMap((text) => text.map((token, i) => activation(token, text[i - 1])));
  const rows = [0];
  for (const value of values) rows.push(rows.at(-1)! + (value > 0 ? 1 : 0));
  const firing = values.filter((value) => value > 0);
  return {
    hookpoint: 'layers.1.mlp',
    contexts,
    activations: {
      positions: values.length,
      latents: 1,
      rows: Uint32Array.from(rows),
      ids: new Uint32Array(firing.length),
      values: Float32Array.from(firing),
    },
    latentScale: Float32Array.of(9),
    directions: null,
    neighbours: null,
    promoted: null,
  };
}

const TEXT = [' Ann', ' met', ' Bob', ' and', ' Cid', '.', ' 7', ' dogs', ' ran', '.'];
const merged = (evidence: ExplainerEvidence, rules: readonly Rule[]) => new ClassMerger(evidence).merge(0, rules);

describe('ClassMerger', () => {
  const isName = (token: string) => (/^ [A-Z]/.test(token) ? 9 : 0);
  const names: Rule = { tokens: [[' Ann', ' Bob', ' Cid']], strength: 9 };

  it('puts a class in the place of the tokens that it holds', () =>
    expect(merged(evidenceOf([TEXT], isName), [names])).toEqual([
      { slots: [[{ class: 'capitalised' }]], strength: 9 },
    ]));

  it('keeps naming what is not in the class', () => {
    const evidence = evidenceOf([TEXT], (token) => (token === '.' ? 9 : isName(token)));
    const rules: Rule[] = [{ tokens: [[' Ann', ' Bob', ' Cid', '.']], strength: 9 }];
    expect(merged(evidence, rules)).toEqual([{ slots: [[{ class: 'capitalised' }, '.']], strength: 9 }]);
  });

  it('lists the tokens where the class holds others on which the latent is silent', () => {
    const evidence = evidenceOf([[...TEXT, ' Dan']], (token) => (token === ' Dan' ? 0 : isName(token)));
    expect(merged(evidence, [names])).toEqual([{ slots: names.tokens, strength: 9 }]);
  });

  it('takes no class for a single token', () => {
    const only: Rule = { tokens: [[' 7']], strength: 9 };
    expect(
      merged(
        evidenceOf([TEXT], (token) => (token === ' 7' ? 9 : 0)),
        [only],
      ),
    ).toEqual([{ slots: only.tokens, strength: 9 }]);
  });

  it('leaves out a place before, where anything may stand there', () => {
    const evidence = evidenceOf([TEXT], (token) => (token === '.' ? 9 : 0));
    const rules: Rule[] = [{ tokens: [[' Cid', ' ran'], ['.']], strength: 9 }];
    expect(merged(evidence, rules)).toEqual([{ slots: [['.']], strength: 9 }]);
  });

  it('says "any" where there must be something, and not at the start of a context', () => {
    // Silent on the first token of a context, whatever it is.
    const evidence = evidenceOf(
      [
        [' a', ' x', ' b', ' x'],
        [' x', ' a', ' x'],
      ],
      (token, before) => (token === ' x' && before !== undefined ? 9 : 0),
    );
    const rules: Rule[] = [{ tokens: [[' a', ' b'], [' x']], strength: 9 }];
    expect(merged(evidence, rules)[0]!.slots).toEqual([[{ class: 'any' }], [' x']]);
  });

  it('looks at what rules before and after it say', () => {
    const evidence = evidenceOf([TEXT], (token) => (token === ' Dan' ? 3 : isName(token)));
    const exception: Rule = { tokens: [[' Dan']], strength: 3 };
    const withDan = evidenceOf([[...TEXT, ' Dan']], (token) => (token === ' Dan' ? 3 : isName(token)));
    expect(merged(withDan, [exception, names])[1]!.slots).toEqual([[{ class: 'capitalised' }]]);
    expect(merged(withDan, [names, exception])[0]!.slots).toEqual(names.tokens);
    expect(merged(evidence, [names])[0]!.slots).toEqual([[{ class: 'capitalised' }]]);
  });

  it('takes a class where it finds more than it invents', () => {
    // " Dan" is silent; " Eva" fires, and no rule names her.
    const slots = (...more: readonly string[]) => {
      const evidence = evidenceOf([[...TEXT, ...more]], (token) => (token === ' Dan' ? 0 : isName(token)));
      return merged(evidence, [names])[0]!.slots;
    };
    expect(slots(' Dan', ' Eva', ' Eva')).toEqual([[{ class: 'capitalised' }]]);
    expect(slots(' Dan', ' Dan', ' Eva')).toEqual(names.tokens);
  });

  it.each([1, 2, 3, 4, 5, 6])('never errs more on the evidence than the rules that it was given (seed %i)', (seed) => {
    const random = seededRandom(seed);
    const alphabet = ['a', 'b', ' C', ' D', ' E', ' f', '7', '.'];
    const texts = Array.from({ length: 20 }, () => Array.from({ length: 20 }, () => random.pick(alphabet)));
    const strengths = new Map<string, number>();
    const evidence = evidenceOf(texts, (token, before) => {
      const pair = `${before} ${token}`;
      if (!strengths.has(pair)) strengths.set(pair, random.next() < 0.3 ? 9 * random.next() : 0);
      return strengths.get(pair)!;
    });
    const rules = Array.from({ length: 5 }, (): Rule => {
      const slot = () => random.shuffle([...alphabet]).slice(0, 1 + Math.floor(4 * random.next()));
      const length = 1 + Math.floor(3 * random.next());
      return { tokens: Array.from({ length }, slot), strength: Math.floor(10 * random.next()) };
    });
    const error = (ordered: Parameters<typeof programOfOrdered>[0]): number => {
      const program = programOfOrdered(ordered);
      let [total, position] = [0, 0];
      for (const text of texts) {
        for (const [at] of text.entries()) {
          const { rows, values } = evidence.activations;
          const actual = rows[position]! < rows[position + 1]! ? values[rows[position]!]! : 0;
          total += (rateProgram(program, text, at) - actual) ** 2;
          position++;
        }
      }
      return total;
    };
    const plain = rules.map(({ tokens, strength }) => ({ slots: tokens, strength }));
    expect(error(merged(evidence, rules))).toBeLessThanOrEqual(error(plain) + 1e-6);
  });
});

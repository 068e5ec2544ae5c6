import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../harness/index.js';
import { activationsOf, cell, contextOf, randomActivations } from '../testing/contexts.js';
import { fitNgramTable, type NgramTable } from './ngram.js';

const evidence = {
  contexts: [contextOf(['a', 'b', 'a', 'b']), contextOf(['c', 'b'])],
  //                          a    b    a    b    c    b      latent 0 = b, twice as strong after c
  activations: activationsOf([[0], [2], [0], [4], [0], [12]].map(([value]) => [value!, 0])),
};
const at = (table: NgramTable, ...text: string[]): number => {
  const position = text.length - 1;
  return cell(table.predict(contextOf(text), [position]), 0, 0);
};

describe('fitNgramTable', () => {
  it('predicts the mean for the current token', () => expect(at(fitNgramTable(evidence, 1), 'x', 'b')).toBe(6));
  it('tells tokens before it apart at higher order', () => {
    const pairs = fitNgramTable(evidence, 2);
    expect(at(pairs, 'a', 'b')).toBe(3);
    expect(at(pairs, 'c', 'b')).toBe(12);
    expect(at(fitNgramTable(evidence, 3), 'b', 'a', 'b')).toBe(4);
  });
  it('falls back to the shorter context where the longer was not seen', () => {
    expect(at(fitNgramTable(evidence, 2), 'b', 'b')).toBe(6);
    expect(at(fitNgramTable(evidence, 3), 'c', 'a', 'b')).toBe(3);
  });
  it('falls back where it was seen too rarely', () => {
    expect(at(fitNgramTable(evidence, 2, { leastCount: 2 }), 'c', 'b')).toBe(6);
  });
  it('knows the start of a context from any token', () => {
    expect(at(fitNgramTable(evidence, 3), 'a', 'b')).toBe(2);
  });
  it('predicts nothing for an unknown token', () => expect(at(fitNgramTable(evidence, 3), 'a', 'z')).toBe(0));
  it('sees nothing beyond a position', () => {
    const table = fitNgramTable(evidence, 3);
    const [one, other] = [contextOf(['a', 'b', 'c']), contextOf(['a', 'b', 'a'])];
    expect([...table.predict(one, [1]).values]).toEqual([...table.predict(other, [1]).values]);
  });
  it('keeps each latent’s mean over its evidence, and its ids rising', () => {
    const dense = randomActivations(seededRandom('table'), 60, 8, 0.5);
    const context = contextOf(Array.from({ length: 60 }, (_, i) => 'abcde'[(i * i) % 5]!));
    const table = fitNgramTable({ contexts: [context], activations: activationsOf(dense) }, 1);
    const predicted = table.predict(context, [...context.text.keys()]);
    for (let latent = 0; latent < 8; latent++) {
      const total = dense.reduce((sum, row) => sum + row[latent]!, 0);
      expect(dense.reduce((sum, _, row) => sum + cell(predicted, row, latent), 0)).toBeCloseTo(total, 3);
    }
    for (let row = 0; row < 60; row++) {
      const ids = [...predicted.ids.subarray(predicted.rows[row]!, predicted.rows[row + 1]!)];
      expect(ids).toEqual([...ids].sort((a, b) => a - b));
    }
  });
  it('refuses evidence of unequal length', () => {
    expect(() => fitNgramTable({ ...evidence, contexts: evidence.contexts.slice(1) }, 1)).toThrow(/6 rows .* 2 tokens/);
  });
});

import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../harness/index.js';
import { compileExplanations, type Explanation } from '../explanation.js';
import { asProgram } from './from.js';
import { printProgram } from './print.js';

const about = { hookpoint: 'layers.0.mlp', latent: 3, provenance: { by: 'hand' } };
const explanations: [name: string, explanation: Parameters<typeof asProgram>[0]][] = [
  [
    'a pattern, whose longest rule decides wherever it stands',
    {
      ...about,
      style: 'pattern',
      rules: [
        { tokens: [['b']], strength: 2 },
        { tokens: [['a', 'c'], ['b']], strength: 5 },
        { tokens: [['a'], ['a', 'c'], ['b']], strength: 0 },
      ],
    },
  ],
  [
    'a table, whose first row decides, with classes of its own',
    {
      ...about,
      style: 'token-table',
      classes: { 'some of it': ['a', '7'] },
      rows: [
        { tokens: [{ class: 'some of it' }], previous: ['b', { class: 'number' }], strength: 6 },
        { tokens: ['a'], strength: 0 },
        { tokens: [{ class: 'number' }, 'c'], strength: 2.5 },
      ],
    },
  ],
  ['a program', { ...about, style: 'program', source: 'if token in {"a", "7"} then 3 else count("b", 3)' }],
  ['a pattern that says nothing', { ...about, style: 'pattern', rules: [] }],
];

describe('asProgram', () => {
  it.each(explanations)('says what %s says, at every token', (_, explanation) => {
    const source = printProgram(asProgram(explanation));
    const program: Explanation = { ...about, style: 'program', source };
    const random = seededRandom(explanation.style);
    const text = Array.from({ length: 300 }, () => random.pick(['a', 'b', 'c', '7']));
    const rate = (each: Explanation) => {
      const { rows, ids, values } = compileExplanations(new Map([[3, each]])).rate(text, [...text.keys()]);
      return { rows, ids, values };
    };
    expect(rate(program)).toEqual(rate(explanation));
  });
});

import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../harness/index.js';
import { compileExplanations, type Explanation } from '../explanation.js';
import { PLANTED_KINDS, type PlantedKind, plantError } from './plant.js';

const about = { hookpoint: 'layers.0.mlp', provenance: { by: 'hand' } };
const cats: Explanation = {
  ...about,
  latent: 1,
  style: 'pattern',
  rules: [
    { tokens: [[' the'], [' cat']], strength: 8 },
    { tokens: [[' dog']], strength: 3 },
  ],
};
const sun: Explanation = { ...about, latent: 2, style: 'token-table', rows: [{ tokens: [' sun'], strength: 5 }] };
const TEXT = [' the', ' cat', ' a', ' cat', ' dog', ' sun', ' fox'];

function planted(kind: PlantedKind, explanation = cats, seed = 1): Explanation | null {
  return plantError(kind, explanation, { others: [cats, sun], vocabulary: [' fox'], random: seededRandom(seed) });
}
function ratings(explanation: Explanation | null): number[] {
  const { rows, values } = compileExplanations(new Map([[1, explanation!]])).rate(TEXT, [...TEXT.keys()]);
  return TEXT.map((_, at) => (rows[at + 1]! > rows[at]! ? values[rows[at]!]! : 0));
}

describe('an explanation with an error planted in it', () => {
  it('was right before', () => expect(ratings(cats)).toEqual([0, 8, 0, 0, 3, 0, 0]));
  it('is another’s where it is swapped', () => expect(ratings(planted('swapped'))).toEqual([0, 0, 0, 0, 0, 5, 0]));
  it('fires just where it did not where it is negated', () =>
    expect(ratings(planted('negated'))).toEqual([8, 0, 8, 8, 0, 8, 8]));
  it('minds less context and more tokens where it is broadened', () =>
    expect(ratings(planted('broadened'))).toEqual([0, 8, 0, 8, 3, 0, 3]));
  it('lacks half of its rules where it is narrowed', () => {
    const seen = new Set(Array.from({ length: 20 }, (_, seed) => String(ratings(planted('narrowed', cats, seed)))));
    expect(seen).toEqual(new Set(['0,8,0,0,0,0,0', '0,0,0,0,3,0,0']));
  });
  it.each(PLANTED_KINDS)('still speaks of its own latent, and says that it is %s', (kind) =>
    expect(planted(kind)).toMatchObject({ latent: 1, provenance: { by: `planted: ${kind}` } }),
  );
  it.each(PLANTED_KINDS)('is the same again by the same seed where it is %s', (kind) =>
    expect(planted(kind)).toEqual(planted(kind)),
  );
});

describe('no error is planted', () => {
  it('by taking rules from what has one', () => expect(planted('narrowed', sun)).toBeNull());
  it('in what is no program', () =>
    expect(planted('negated', { ...about, latent: 1, style: 'sentence', text: 'Cats.' })).toBeNull());
  it('by exchange with itself', () =>
    expect(plantError('swapped', cats, { others: [cats], vocabulary: [], random: seededRandom(1) })).toBeNull());
});

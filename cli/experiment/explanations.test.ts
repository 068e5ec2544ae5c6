import { describe, expect, it } from 'vitest';
import { explainedStyles } from '../../explanations/index.js';
import { explainedStyle, explanationsKey } from './explanations.js';

const source = {
  hookpoint: { id: 'layers.1.mlp' },
  coder: { spec: { id: 'weights' } },
  evidence: {
    contexts: [{ id: 'context', tokens: Int32Array.of(1, 2), text: [' a', ' b'] }],
    activations: {
      positions: 2,
      latents: 4,
      rows: Uint32Array.of(0, 1, 2),
      ids: Uint32Array.of(3, 0),
      values: Float32Array.of(1, 2),
    },
  },
  seed: 0,
};

const keyOf = (of: typeof source) => explanationsKey(of, { style: 'pattern', maxTokens: 8 }, null);

/** The same coder on the same text, where its latents did something else. */
const firing = (change: object) => ({
  ...source,
  evidence: { ...source.evidence, activations: { ...source.evidence.activations, ...change } },
});

describe('explanationsKey', () => {
  it('is the same for the same coder, text and activations', () => {
    expect(keyOf(structuredClone(source))).toBe(keyOf(source));
  });

  it.each([
    [
      'latents fired at other strengths, as at another read point or in another model',
      firing({ values: Float32Array.of(1, 3) }),
    ],
    ['other latents fired', firing({ ids: Uint32Array.of(2, 0) })],
    ['they fired elsewhere', firing({ rows: Uint32Array.of(0, 2, 2) })],
    ['the coder is another', { ...source, coder: { spec: { id: 'other' } } }],
    ['it is of another hookpoint', { ...source, hookpoint: { id: 'layers.2.mlp' } }],
    ['the seed is another', { ...source, seed: 1 }],
  ])('is another where %s', (_, other) => {
    expect(keyOf(other)).not.toBe(keyOf(source));
  });

  it.each([
    ['other lengths', { style: 'pattern', maxTokens: 16 }, null],
    ['other styles', { style: 'program', maxTokens: 8 }, null],
    ['prose about another model', { style: 'pattern', maxTokens: 8 }, 'model'],
  ] as const)('is another for %s', (_, how, model) => {
    expect(explanationsKey(source, how, model)).not.toBe(keyOf(source));
  });
});

describe('the style that explanations are written in', () => {
  it.each(explainedStyles)('can be %s', (style) => expect(explainedStyle(style)).toBe(style));
  it('is refused in two lines where nothing writes it, naming those that can be had', () => {
    expect(() => explainedStyle('haiku')).toThrow(
      expect.objectContaining({
        code: 'NO_EXPLAINER',
        message: expect.stringMatching(
          /^There is no style "haiku"\.\n {2}Styles .*: .*pattern, token-table, program.*; with one: sentence, .*\.$/,
        ),
      }),
    );
  });
  it.each([
    ['sentence', /^.* sentence are written by a language model, and none is named\.\n {2}Give --simulator/],
    ['sentence+score', /by a language model/],
    ['shuffled', /^Shuffled .* a run deals .*\n {2}Say `shuffled: true`/],
  ])('says what to do for %s, which is written otherwise', (style, message) => {
    expect(() => explainedStyle(style)).toThrow(message);
  });
});

import { describe, expect, it } from 'vitest';
import type { Explanation } from '../../explanations/index.js';
import { heldNames, refuseExplainedByHeld } from './contamination.js';
import { evidenceHash } from './induction/provenance.js';

const [one, two, three] = ['1'.repeat(16), '2'.repeat(16), '3'.repeat(16)];
const held = heldNames([
  ['evaluation', [one!, two!]],
  ['calibration', [three!]],
]);
const from = (latent: number, evidence?: string): Explanation => {
  const provenance = { by: 'hand', ...(evidence !== undefined && { evidence }) };
  return { hookpoint: 'layers.1', latent, style: 'sentence', text: 'Cats.', provenance };
};
const check = (...explanations: Explanation[]) => refuseExplainedByHeld(explanations, 'mine.jsonl', held);

describe('explanations that were made from held text', () => {
  it.each([
    ['one context of it', `contexts ${two}, and others`, 'evaluation'],
    ['all of it', evidenceHash([one!, two!]), 'evaluation'],
    ['calibration text', three!, 'calibration'],
  ])('are refused where their provenance names %s', (_, evidence, part) => {
    expect(() => check(from(4), from(7, evidence))).toThrow(
      expect.objectContaining({
        code: 'CONTAMINATED',
        found: `1 of 2 explanations of mine.jsonl were made from the ${part} text, by their provenance; the first is of latent 7.`,
      }),
    );
  });

  it.each([
    ['nothing', undefined],
    ['other text', evidenceHash([one!, three!])],
    ['a longer hash', `${one}0`],
    ['a file', 'evaluation.json'],
  ])('pass where it names %s', (_, evidence) => expect(check(from(1, evidence))).toBeUndefined());
});

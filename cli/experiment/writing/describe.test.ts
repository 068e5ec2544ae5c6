import { describe, expect, it } from 'vitest';
import { describeWritten } from './describe.js';

const all = { explanations: [], firing: 90, notDrawn: 0 };
const about = { by: 'm', hookpoint: 'layers.1.mlp', latents: 100 };
const missing = (why: 'refused' | 'not asked', latents: readonly number[]) =>
  latents.map((latent) => ({ latent, why }));
const told = (latents: readonly number[]) =>
  describeWritten({ ...all, missing: missing('not asked', latents) }, about)[1];

describe('what came of having explanations written', () => {
  it('is said by reason, with the latents that have none', () => {
    const parts = [...missing('refused', [3]), ...missing('not asked', [7, 8, 9, 40])];
    expect(describeWritten({ ...all, missing: parts }, about)).toEqual([
      'm explained 0 of 90 latents at layers.1.mlp (10 more did not fire).',
      '  1 were refused: latent 3',
      '  4 were not reached by the budget: latent 7-9, 40',
    ]);
  });
  it('tells those that were not drawn from those that did not fire', () => {
    const drawn = { ...all, notDrawn: 80, missing: [] };
    expect(describeWritten(drawn, about)).toEqual([
      'm explained 0 of 10 latents at layers.1.mlp (80 more were not drawn, 10 more did not fire).',
    ]);
  });
  it('names stretches, and counts what comes after many', () => {
    expect(told(Array.from({ length: 90 }, (_, i) => i))).toMatch(/: latent 0-89$/);
    expect(told(Array.from({ length: 25 }, (_, i) => 2 * i))).toMatch(/: latent 0, 2, .*, 38 and 5 more$/);
  });
});

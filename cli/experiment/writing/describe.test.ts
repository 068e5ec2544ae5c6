import { describe, expect, it } from 'vitest';
import { describeWritten } from './describe.js';

const about = { by: 'm', hookpoint: 'layers.1.mlp', latents: 100 };
const missing = (why: 'refused' | 'not asked', latents: readonly number[]) =>
  latents.map((latent) => ({ latent, why }));
const told = (latents: readonly number[]) =>
  describeWritten({ explanations: [], missing: missing('not asked', latents), firing: 90 }, about)[1];

describe('what came of having explanations written', () => {
  it('is said by reason, with the latents that have none', () => {
    const parts = [...missing('refused', [3]), ...missing('not asked', [7, 8, 9, 40])];
    expect(describeWritten({ explanations: [], missing: parts, firing: 90 }, about)).toEqual([
      'm explained 0 of 90 latents at layers.1.mlp (10 more did not fire).',
      '  1 were refused: latent 3',
      '  4 were not reached by the budget: latent 7-9, 40',
    ]);
  });
  it('names stretches, and counts what comes after many', () => {
    expect(told(Array.from({ length: 90 }, (_, i) => i))).toMatch(/: latent 0-89$/);
    expect(told(Array.from({ length: 25 }, (_, i) => 2 * i))).toMatch(/: latent 0, 2, .*, 38 and 5 more$/);
  });
});

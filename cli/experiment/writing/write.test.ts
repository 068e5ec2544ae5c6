import { describe, expect, it } from 'vitest';
import { drawnLatents } from './write.js';

/** Every third latent is silent. */
const source = { seed: 3, scale: Float32Array.from({ length: 300 }, (_, latent) => latent % 3) };

describe('the latents that are explained', () => {
  it('are all that fire, where no number is wished or there are fewer', () => {
    const firing = [...source.scale.keys()].filter((latent) => latent % 3 !== 0);
    expect(drawnLatents({}, source)).toEqual(firing);
    expect(drawnLatents({ latents: 200 }, source)).toEqual(firing);
  });
  it('are as many as are wished, rising, all of which fire', () => {
    const drawn = drawnLatents({ latents: 40 }, source);
    expect(new Set(drawn).size).toBe(40);
    expect(drawn).toEqual(drawn.toSorted((a, b) => a - b));
    expect(drawn.every((latent) => latent % 3 !== 0)).toBe(true);
  });
  it('are a part of those of a larger draw by the same seed, and others by another', () => {
    const drawn = drawnLatents({ latents: 20 }, source);
    expect(drawnLatents({ latents: 40 }, source)).toEqual(expect.arrayContaining(drawn));
    expect(drawnLatents({ latents: 20 }, { ...source, seed: 4 })).not.toEqual(drawn);
  });
});

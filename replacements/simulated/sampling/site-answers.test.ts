import { describe, expect, it } from 'vitest';
import { forEachSite } from './site-answers.js';

/** Sites of so many positions each. */
async function* sites(count: number, positions: number) {
  for (let at = 0; at < count; at++) yield { positions: Array.from({ length: positions }, (_, position) => position) };
}

/** How many sites were under way at once, at most, and all that were. */
async function underWay(count: number, positions: number) {
  let now = 0;
  let most = 0;
  let all = 0;
  await forEachSite(sites(count, positions), async () => {
    most = Math.max(most, ++now);
    all++;
    await new Promise((resolve) => setImmediate(resolve));
    now--;
  });
  return { most, all };
}

describe('forEachSite', () => {
  it('asks about hundreds of sites at once where each has one position, so that explanations are met again', async () => {
    expect(await underWay(1100, 1)).toEqual({ most: 512, all: 1100 });
  });
  it('asks about few at once where each has many positions', async () => {
    expect(await underWay(20, 128)).toEqual({ most: 8, all: 20 });
  });
});

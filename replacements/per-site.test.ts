import { expect, it } from 'vitest';
import { perSite } from './per-site.js';
import { tinySite } from './testing/coders.js';

const live = new AbortController().signal;

it('computes once a site, however many ask at once or later', async () => {
  let computed = 0;
  const ask = perSite(async (site) => `${site.context.id} ${++computed}`);
  const [one, other] = [tinySite('one'), tinySite('other')];
  expect(await Promise.all([ask(one, live), ask(one, live), ask(other, live)])).toEqual(['one 1', 'one 1', 'other 2']);
  expect(await ask(one, live)).toBe('one 1');
});

it('tries again after a failure, which all who asked are told of', async () => {
  let computed = 0;
  const ask = perSite(async (site) => {
    if (++computed === 1) throw new Error('not yet');
    return site.context.id;
  });
  const site = tinySite('one');
  const both = await Promise.allSettled([ask(site, live), ask(site, live)]);
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await ask(site, live)).toBe('one');
  expect(computed).toBe(2);
});

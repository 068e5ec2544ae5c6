import { describe, expect, it } from 'vitest';
import type { Filling, Replacement, Site } from '../../harness/index.js';
import { tinySite } from './coders.js';

const live = (): AbortSignal => new AbortController().signal;

/** A site that is its own copy: what is done to it reaches no other. */
function copyOf(site: Site): Site {
  const { input, output } = site;
  return {
    ...site,
    input: { ...input, data: input.data.slice() },
    output: { ...output, data: output.data.slice() },
  };
}

/**
 * What holds of every replacement.
 * @param open called for each test; sites have width 16 and the surface forms ' a' to ' d'
 */
export function replacementContract(name: string, open: () => Replacement | Promise<Replacement>): void {
  const site = tinySite();
  const fill = async (at: Site): Promise<Filling> => (await open()).fill(at, live());

  describe(`${name} keeps the replacement contract`, () => {
    it('gives one finite row of the hookpoint’s width for each position', async () => {
      const { output } = await fill(site);
      expect(output.shape).toEqual([site.positions.length, site.hookpoint.width]);
      expect(output.data).toHaveLength(site.positions.length * site.hookpoint.width);
      expect(output.data.every(Number.isFinite)).toBe(true);
      expect([output.site, output.axes]).toEqual(['writes', ['position', 'model']]);
    });
    it('has one entry a position where ratings are missing or positions dropped', async () => {
      const { missing, dropped } = await fill(site);
      for (const column of [missing, dropped]) if (column !== null) expect(column).toHaveLength(site.positions.length);
      if (dropped !== null) {
        expect(missing).not.toBeNull();
        expect(Array.from(dropped, (each, row) => each === 0 || missing![row]! > 0)).not.toContain(false);
      }
    });
    it('does not change the site', async () => {
      const [given, before] = [copyOf(site), copyOf(site)];
      await fill(given);
      expect(given).toEqual(before);
    });
    it('keeps nothing of the site: what becomes of it later does not reach the filling', async () => {
      const given = copyOf(site);
      const replacement = await open();
      const filling = await replacement.fill(given, live());
      const before = filling.output.data.slice();
      given.input.data.fill(7);
      given.output.data.fill(7);
      expect(filling.output.data).toEqual(before);
      // Another site in between leaves no trace either.
      await replacement.fill(tinySite('another', [' c', ' d', ' a']), live());
      expect((await replacement.fill(copyOf(site), live())).output.data).toEqual(before);
    });
    it('fills the same site in the same way, however often it is asked and opened', async () => {
      const replacement = await open();
      const [first, again] = [await replacement.fill(site, live()), await replacement.fill(site, live())];
      expect(again).toEqual(first);
      expect(await fill(copyOf(site))).toEqual(first);
    });
    it('fills a single position, and a context of one scored token', async () => {
      const one = tinySite('one', [' a', ' b']);
      expect((await fill(one)).output.shape).toEqual([1, 16]);
    });
    it('rejects with the reason when aborted, or is done at once', async () => {
      const reason = new Error('stopped by the user');
      const replacement = await open();
      const outcome = await replacement.fill(copyOf(site), AbortSignal.abort(reason)).then(
        (filling) => filling.output.shape[0],
        (error: unknown) => error,
      );
      expect([reason, site.positions.length]).toContain(outcome);
    });
  });
}

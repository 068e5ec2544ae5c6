import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { type Context, type LatentActivations, seededRandom } from '../../../harness/index.js';
import { joinActivations } from '../../coders/latent-rows.js';
import { activationsOf } from '../../simulated/testing/contexts.js';
import { fillCache } from './fill.js';
import { contextsOfCorpus, type LatentGroup, largestActivations, latentGroups } from './groups.js';
import type { CacheIdentity } from './records.js';

const folder = mkdtempSync(join(tmpdir(), 'groups-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const LATENTS = 7;
const contexts: Context[] = ['abca', 'b', 'cab', 'aacb'].map((text) => ({
  id: text,
  tokens: Int32Array.from(text, (letter) => letter.charCodeAt(0)),
  text: [...text],
}));
const random = seededRandom('groups');
const found: LatentActivations[] = contexts.map(({ text }) =>
  activationsOf(
    text.map(() =>
      Array.from({ length: LATENTS }, (_, latent) => (latent !== 2 && random.integer(2) ? 1 + random.integer(5) : 0)),
    ),
  ),
);
const whole = joinActivations(found, LATENTS);
const identity: CacheIdentity = {
  ...{ model: 'm', modelName: 'm', coder: 'c', latents: LATENTS, hookpoint: 'layers.1', reads: 'r', writes: 'w' },
  encodes: 'output',
  text: 't',
};
const filled = fillCache(join(folder, 'cache'), identity, contexts, async (batch) =>
  batch.map((context) => found[contexts.indexOf(context)]!),
);

/** The activations of latents `[from, to)` alone. */
function only({ rows, ids, values, ...shape }: LatentActivations, from: number, to: number): LatentActivations {
  const kept = Array.from(ids.keys()).filter((i) => ids[i]! >= from && ids[i]! < to);
  return {
    ...shape,
    rows: rows.map((end) => kept.filter((i) => i < end).length),
    ids: Uint32Array.from(kept, (i) => ids[i]!),
    values: Float32Array.from(kept, (i) => values[i]!),
  };
}

it.each([1, 10, 15, 1000])('groups of at most %d firings hold every latent once, by position', async (most) => {
  const groups: LatentGroup[] = [];
  for await (const group of latentGroups(await filled, most)) groups.push(group);
  expect(groups.map(({ from }) => from)).toEqual([0, ...groups.slice(0, -1).map(({ to }) => to)]);
  expect(groups.at(-1)!.to).toBe(LATENTS);
  for (const { from, to, activations } of groups) {
    expect(activations).toEqual(only(whole, from, to));
    expect(activations.ids.length <= most || to === from + 1).toBe(true);
  }
  if (most === 1000) expect(groups).toHaveLength(1);
});

it('the largest activation of each latent, and the contexts, are those that the cache was filled from', async () => {
  const cache = await filled;
  const largest = new Float32Array(LATENTS);
  whole.ids.forEach((latent, i) => {
    largest[latent] = Math.max(largest[latent]!, whole.values[i]!);
  });
  expect(await largestActivations(cache)).toEqual(largest);
  expect(largest[2]).toBe(0);
  expect(contextsOfCorpus(cache.corpus, (id) => String.fromCharCode(id))).toEqual(contexts);
});

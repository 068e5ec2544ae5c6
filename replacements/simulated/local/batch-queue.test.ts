import { setMaxListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { batchQueue } from './batch-queue.js';

const { signal } = new AbortController();
// All requests under way listen to it.
setMaxListeners(0, signal);

/** Answers each number with itself, and keeps what was worked on together. */
function echoing(most: number, order?: (one: number, other: number) => number) {
  const batches: number[][] = [];
  const enqueue = batchQueue(
    async (requests: readonly number[]) => {
      batches.push([...requests]);
      return requests;
    },
    most,
    order,
  );
  return { batches, ask: (numbers: readonly number[]) => Promise.all(numbers.map((each) => enqueue(each, signal))) };
}
const rising = (one: number, other: number) => one - other;

describe('a batch queue', () => {
  it('works on what waits together, first come first', async () => {
    const { batches, ask } = echoing(2);
    expect(await ask([5, 1, 4, 2, 3])).toEqual([5, 1, 4, 2, 3]);
    expect(batches).toEqual([[5, 1], [4, 2], [3]]);
  });

  it('takes the one that has waited longest with those beside it in an order', async () => {
    const { batches, ask } = echoing(3, rising);
    expect(await ask([50, 1, 51, 2, 49, 3, 90])).toEqual([50, 1, 51, 2, 49, 3, 90]);
    expect(batches).toEqual([[49, 50, 51], [1, 2, 3], [90]]);
  });

  it('leaves nobody waiting for ever, whatever comes', async () => {
    const { batches, ask } = echoing(2, rising);
    let last = ask([1000]);
    const first = ask([0]);
    for (let each = 1; each < 20; each++) last = Promise.all([last, ask([each])]).then(([numbers]) => numbers);
    await Promise.all([first, last]);
    expect(batches[0]).toContain(1000);
  });

  it('gives what the work throws to all that it was for, and goes on', async () => {
    let works = 0;
    const enqueue = batchQueue(async (requests: readonly number[]) => {
      if (works++ === 0) throw new Error('no');
      return requests;
    }, 2);
    const outcomes = await Promise.allSettled([1, 2, 3].map((each) => enqueue(each, signal)));
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
  });
});

import { describe, expect, it } from 'vitest';
import { settleAll } from './settle.js';

const after = (milliseconds: number, action: () => void) =>
  new Promise<void>((resolve) => setTimeout(resolve, milliseconds)).then(action);

describe('settleAll', () => {
  it('gives all results in order', async () => {
    expect(await settleAll([Promise.resolve(1), 'two', after(1, () => {})])).toEqual([1, 'two', undefined]);
  });

  it('rejects with the first failure in order, once nothing is under way', async () => {
    const ended: string[] = [];
    const failing = (name: string, milliseconds: number) =>
      after(milliseconds, () => {
        ended.push(name);
        throw new Error(name);
      });
    const work = [failing('late', 4), failing('early', 1), after(8, () => ended.push('well'))];
    await expect(settleAll(work)).rejects.toThrow('late');
    expect(ended).toEqual(['early', 'late', 'well']);
  });
});

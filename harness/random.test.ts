import { describe, expect, it } from 'vitest';
import { seededRandom } from './random.js';

const draws = (seed: string | number, count: number) => {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => random.next());
};
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('seededRandom', () => {
  it('gives this stream, today and on every machine', () => {
    expect(draws('a stream', 4).map((value) => value * 2 ** 32)).toEqual([
      1607822565, 1772751250, 3113021873, 2601613148,
    ]);
    expect(draws(7, 5)).toEqual(draws('7', 5));
  });

  it('gives unrelated streams for nearby seeds', () => {
    const [one, other] = [draws(1, 2000), draws(2, 2000)];
    const together = mean(one.map((value, i) => (value - 0.5) * (other[i]! - 0.5)));
    expect(Math.abs(together * 12)).toBeLessThan(0.08); // a correlation; its standard error is 0.022
  });

  it('is uniform', () => {
    const counts = new Array(16).fill(0);
    for (const value of draws('uniform', 16_000)) {
      expect(value >= 0 && value < 1).toBe(true);
      counts[Math.floor(value * 16)] += 1;
    }
    const chiSquare = counts.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
    expect(chiSquare).toBeLessThan(37.7); // 15 degrees of freedom, p = 0.001
  });

  it('draws normals of mean 0 and deviation 1, and whole numbers below a bound', () => {
    const random = seededRandom('normal');
    const normals = Array.from({ length: 20_000 }, () => random.normal());
    expect(Math.abs(mean(normals))).toBeLessThan(0.03);
    expect(Math.abs(mean(normals.map((value) => value * value)) - 1)).toBeLessThan(0.05);
    expect(normals.every(Number.isFinite)).toBe(true);
    expect(new Set(Array.from({ length: 200 }, () => random.integer(5)))).toEqual(new Set([0, 1, 2, 3, 4]));
  });

  it('shuffles every item to every place alike, and leaves the original as it was', () => {
    const random = seededRandom('shuffle');
    const items = ['a', 'b', 'c'];
    const seen = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      const order = random.shuffle(items).join('');
      seen.set(order, (seen.get(order) ?? 0) + 1);
    }
    expect(items).toEqual(['a', 'b', 'c']);
    expect([...seen.keys()].sort()).toEqual(['abc', 'acb', 'bac', 'bca', 'cab', 'cba']);
    const chiSquare = [...seen.values()].reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
    expect(chiSquare).toBeLessThan(20.5); // 5 degrees of freedom, p = 0.001
  });

  it('forks streams by name that do not move it', () => {
    const random = seededRandom('root');
    const fork = random.fork('branch');
    const forked = Array.from({ length: 3 }, () => fork.next());
    expect(Array.from({ length: 3 }, () => random.next())).toEqual(draws('root', 3));
    const again = random.fork('branch');
    expect(Array.from({ length: 3 }, () => again.next())).toEqual(forked);
    expect(random.fork('another').next()).not.toBe(forked[0]);
  });

  it('picks one of what there is', () => {
    const random = seededRandom('pick');
    expect(new Set(Array.from({ length: 50 }, () => random.pick(['x', 'y'])))).toEqual(new Set(['x', 'y']));
    expect(() => random.pick([])).toThrow('nothing to pick from');
  });
});

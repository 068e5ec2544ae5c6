import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../random.js';
import { fisherRoot } from './root.js';

const squared = (values: readonly number[]) => values.reduce((sum, value) => sum + value * value, 0);
/** `e L`. */
const through = (error: readonly number[], root: Float32Array) =>
  error.map((_, j) => error.reduce((sum, value, i) => sum + value * root[i * error.length + j]!, 0));

describe('the root of the Fisher information', () => {
  it('of one value is the root of its mean square', () => {
    // Mean square 5; one more sample that holds as much changes nothing.
    expect(Array.from(fisherRoot(Float32Array.of(1, 3), 1)!)).toEqual([Math.fround(Math.sqrt(5))]);
  });
  it('is worked by hand for two values', () => {
    // Sum of squares 8 along the first value only; trace / samples = 4 is added to both, and the mean is over 2 + 2 samples.
    const root = fisherRoot(Float32Array.of(2, 0, -2, 0), 2)!;
    expect(Array.from(root)).toEqual([Math.sqrt(12 / 4), 0, 0, Math.sqrt(4 / 4)].map(Math.fround));
  });
  it('says of an error what all scores say of it, and as much of every direction as of a mean one', () => {
    const random = seededRandom('fisher root');
    for (let drawn = 0; drawn < 20; drawn++) {
      const [width, samples] = [1 + random.integer(6), 1 + random.integer(8)];
      const scores = Float32Array.from({ length: width * samples }, () => random.normal());
      const error = Array.from({ length: width }, () => random.normal());
      const seen = Array.from({ length: samples }, (_, at) =>
        error.reduce((sum, value, i) => sum + value * scores[at * width + i]!, 0),
      );
      const spread = (squared(error) * squared([...scores])) / samples;
      const cost = squared(through(error, fisherRoot(scores, width)!));
      expect(cost).toBeCloseTo((squared(seen) + spread) / (samples + width), 4);
    }
  });
  it('is not there where no error costs anything', () => expect(fisherRoot(new Float32Array(6), 3)).toBeNull());
  it.each([
    [0, 3],
    [7, 3],
  ])('is refused of %d scores of width %d', (length, width) => {
    expect(() => fisherRoot(new Float32Array(length), width)).toThrow(RangeError);
  });
});

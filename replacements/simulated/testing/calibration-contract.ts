import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../harness/index.js';
import type { Calibration, CalibrationPairs } from '../calibration.js';

/** Pairs from plain numbers; positions where both are 0 are counted. */
export function pairsOf(pairs: readonly (readonly [simulated: number, actual: number])[]): CalibrationPairs {
  const seen = pairs.filter(([simulated, actual]) => simulated > 0 || actual > 0);
  return {
    latent: 0,
    simulated: Float32Array.from(seen, ([simulated]) => simulated),
    actual: Float32Array.from(seen, ([, actual]) => actual),
    bothZero: pairs.length - seen.length,
  };
}

/** A noisy simulation of a latent that is mostly silent; ratings whole, so that there are ties. */
export function randomPairs(seed: number, positions: number): CalibrationPairs {
  const random = seededRandom(seed);
  return pairsOf(
    Array.from({ length: positions }, () => {
      const actual = random.next() < 0.8 ? 0 : 5 * random.next();
      const simulated = random.next() < 0.1 ? 5 * random.next() : actual * random.next();
      return [Math.round(simulated), actual] as const;
    }),
  );
}

/** What holds of every calibration, on many and on too few positions. */
export function calibrationContract(calibration: Calibration): void {
  const values = [0, 1e-6, 0.5, 1, 1.5, 2, 3, 4.9, 5, 100];
  describe(`${calibration.id} keeps the calibration contract`, () => {
    it.each([0, 1, 5, 50, 500])('maps zero to zero, and nothing to less or to NaN (%i positions)', (positions) => {
      const calibrated = calibration.fit(randomPairs(positions, positions));
      expect(calibrated(0)).toBe(0);
      for (const value of values) {
        expect(calibrated(value)).toBeGreaterThanOrEqual(0);
        expect(calibrated(value)).toBeLessThan(Infinity);
      }
    });
    it.each([0, 1, 5, 50, 500])('never falls (%i positions)', (positions) => {
      const mapped = values.map(calibration.fit(randomPairs(positions, positions)));
      expect(mapped).toEqual([...mapped].sort((a, b) => a - b));
    });
    it('depends on the pairs, not on their order', () => {
      const { latent, simulated, actual, bothZero } = randomPairs(7, 300);
      const reversed = { latent, simulated: simulated.toReversed(), actual: actual.toReversed(), bothZero };
      const [one, other] = [calibration.fit({ latent, simulated, actual, bothZero }), calibration.fit(reversed)];
      for (const value of values) expect(one(value)).toBeCloseTo(other(value), 6);
    });
    it('does not change what it was given', () => {
      const pairs = randomPairs(3, 100);
      const before = { simulated: [...pairs.simulated], actual: [...pairs.actual] };
      calibration.fit(pairs);
      expect({ simulated: [...pairs.simulated], actual: [...pairs.actual] }).toEqual(before);
    });
  });
}

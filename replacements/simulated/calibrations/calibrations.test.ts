import { describe, expect, it } from 'vitest';
import type { Calibrated, CalibrationPairs } from '../calibration.js';
import { calibrationContract, pairsOf, randomPairs } from '../testing/calibration-contract.js';
import { conditionalMean } from './conditional-mean.js';
import { calibrations } from './index.js';
import { linear } from './linear.js';
import { none } from './none.js';
import { quantile } from './quantile.js';

for (const calibration of Object.values(calibrations)) calibrationContract(calibration);

const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);
const squaredError = ({ simulated, actual }: CalibrationPairs, calibrated: Calibrated): number =>
  simulated.reduce((sum, value, i) => sum + (calibrated(value) - actual[i]!) ** 2, 0);

describe('calibrations', () => {
  it('go by their ids', () => {
    for (const [id, calibration] of Object.entries(calibrations)) expect(calibration.id).toBe(id);
  });
});

describe('none', () => {
  it('changes nothing', () => expect(none.fit(randomPairs(1, 50))(1.25)).toBe(1.25));
});

describe('linear', () => {
  it('is the least-squares slope, with one pseudo-position at the identity', () => {
    // Three positions with true = simulated / 2 and one of typical size with true = simulated.
    expect(linear.fit(pairsOf(times(3, [2, 1] as const)))(4)).toBeCloseTo((4 * (3 * 2 + 4)) / (3 * 4 + 4), 6);
  });
  it('is not moved by positions that the simulator left at 0', () => {
    const pairs = times(100, [2, 1] as const);
    expect(linear.fit(pairsOf([...pairs, [0, 9], [0, 0]]))(2)).toBe(linear.fit(pairsOf(pairs))(2));
  });
  it('does not run away with a reader that all but says silence where the latent fires', () => {
    const all = times(60, [1e-6, 0] as const);
    const slope = linear.fit(pairsOf([...all, [1e-6, 4], [2e-6, 3]]))(1);
    expect(slope).toBeGreaterThan(0.9);
    expect(slope).toBeLessThan(1.1);
  });
  it('leaves a latent alone that was never simulated above 0', () => {
    expect(linear.fit(pairsOf(times(20, [0, 3] as const)))(2)).toBe(2);
  });
});

describe('quantile', () => {
  const ranks = Array.from({ length: 20 }, (_, i) => i + 1);
  it('gives simulated values the distribution of the true ones', () => {
    const calibrated = quantile.fit(
      pairsOf(ranks.map((rank) => [rank, 21 - rank] as const).map(([s, a]) => [s, 2 * a])),
    );
    for (const rank of ranks) expect(calibrated(rank)).toBeCloseTo(2 * rank, 5);
  });
  it('counts zeros: alarms beyond the true rate of firing become 0', () => {
    // 40 simulated above 0, but only the top 20 ranks are true activations.
    const alarms = times(20, [1, 0] as const);
    const hits = ranks.map((rank) => [1 + rank, rank] as const);
    const calibrated = quantile.fit(pairsOf([...alarms, ...hits, ...times(100, [0, 0] as const)]));
    expect(calibrated(1)).toBe(0);
    expect(calibrated(21)).toBe(20);
  });
  it('maps a tie to the mean over its interval', () => {
    const calibrated = quantile.fit(pairsOf(ranks.map((rank) => [rank <= 10 ? 3 : 7, rank])));
    expect(calibrated(3)).toBeCloseTo(5.5, 6);
    expect(calibrated(7)).toBeCloseTo(15.5, 6);
    expect(calibrated(5)).toBeCloseTo(10.5, 6);
  });
  it('does not depend on how many positions are silent in both', () => {
    const [few, many] = [randomPairs(5, 200), { ...randomPairs(5, 200), bothZero: 1e6 }];
    expect(quantile.fit(many)(3)).toBe(quantile.fit(few)(3));
  });
  it('is linear with fewer than ten activations on either side', () => {
    const pairs = pairsOf(times(9, [2, 1] as const));
    expect(quantile.fit(pairs)(2)).toBe(linear.fit(pairs)(2));
  });
});

describe('conditional-mean', () => {
  it('is the mean at each rating where the means rise', () => {
    const calibrated = conditionalMean.fit(
      pairsOf([...times(10, [1, 2] as const), ...times(5, [2, 3] as const), ...times(5, [2, 7] as const)]),
    );
    expect(calibrated(1)).toBeCloseTo(2, 6);
    expect(calibrated(2)).toBeCloseTo(5, 6);
  });
  it('pools ratings whose means fall', () => {
    const calibrated = conditionalMean.fit(pairsOf([...times(10, [1, 6] as const), ...times(30, [2, 2] as const)]));
    expect(calibrated(1)).toBeCloseTo(3, 6);
    expect(calibrated(2)).toBeCloseTo(3, 6);
  });
  it('takes equal ratings together before it pools', () => {
    const calibrated = conditionalMean.fit(
      pairsOf([...times(10, [0.5, 5] as const), ...times(5, [1, 3] as const), ...times(5, [1, 10] as const)]),
    );
    expect(calibrated(0.5)).toBeCloseTo(5, 6);
    expect(calibrated(1)).toBeCloseTo(6.5, 6);
  });
  it.each([1, 2, 3])('has the least squared error of all (seed %i)', (seed) => {
    const pairs = randomPairs(seed, 500);
    const least = squaredError(pairs, conditionalMean.fit(pairs));
    for (const other of [none, linear, quantile]) {
      expect(least).toBeLessThanOrEqual(squaredError(pairs, other.fit(pairs)) + 1e-6);
    }
  });
});

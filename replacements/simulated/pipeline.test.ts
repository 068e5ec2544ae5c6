import { describe, expect, it } from 'vitest';
import type { Explanation } from '../../explanations/index.js';
import { seededRandom } from '../../harness/index.js';
import { linear } from './calibrations/linear.js';
import { shuffleExplanations } from './controls/shuffled.js';
import { calibrate, collectPairs, fitCalibrations, type SimulatedActivations, scaleRatings } from './pipeline.js';
import { ratingBlock } from './rating-block.js';
import { activationsOf, cell, randomActivations } from './testing/contexts.js';

const simulatedOf = (dense: number[][], missing: SimulatedActivations['missing'] = []): SimulatedActivations => ({
  ...activationsOf(dense),
  missing,
});

describe('scaleRatings', () => {
  const block = ratingBlock([3, 8], Uint32Array.of(0, 2), (row, latent) =>
    row === 1 && latent === 2 ? 'failed' : 4.5,
  );
  const scaled = scaleRatings(block, Float32Array.of(10, 99, 0));

  it('is rating / 9 of the largest observed activation', () => expect(cell(scaled, 1, 0)).toBeCloseTo(5, 6));
  it('silences a latent that never fired, and keeps the form sparse', () => expect([...scaled.ids]).toEqual([0, 0]));
  it('has the coder’s width, and still knows what is missing', () => {
    expect(scaled).toMatchObject({ positions: 2, latents: 3, missing: [{ row: 1, latent: 2, why: 'failed' }] });
  });
});

describe('calibrate', () => {
  it('maps each latent by its own calibration, and leaves others alone', () => {
    const calibrated = calibrate(simulatedOf([[1, 2, 3]]), new Map([[1, (value: number) => 10 * value]]));
    expect([...calibrated.values]).toEqual([1, 20, 3]);
  });
  it('drops what becomes 0', () => {
    expect([...calibrate(simulatedOf([[1, 2]]), new Map([[0, () => 0]])).ids]).toEqual([1]);
  });
  it('refuses NaN', () => {
    expect(() => calibrate(simulatedOf([[1]]), new Map([[0, () => Number.NaN]]))).toThrow(/latent 0 came out as NaN/);
  });
});

describe('collectPairs', () => {
  it('pairs simulated with true activations and counts where both are silent', () => {
    const batch = {
      simulated: simulatedOf([
        [1, 0],
        [0, 0],
        [2, 0],
      ]),
      actual: activationsOf([
        [0, 0],
        [5, 0],
        [3, 0],
      ]),
    };
    const pairs = collectPairs([batch, batch], [0, 1]);
    expect([...pairs.get(0)!.simulated]).toEqual([1, 0, 2, 1, 0, 2]);
    expect([...pairs.get(0)!.actual]).toEqual([0, 5, 3, 0, 5, 3]);
    expect(pairs.get(1)).toMatchObject({ latent: 1, bothZero: 6 });
  });
  it('leaves missing ratings out altogether', () => {
    const missing = [{ row: 0, latent: 0, why: 'failed' as const }];
    const batch = { simulated: simulatedOf([[0], [0]], missing), actual: activationsOf([[7], [0]], 1) };
    const pairs = collectPairs([batch], [0]).get(0)!;
    expect(pairs.actual).toHaveLength(0);
    expect(pairs.bothZero).toBe(1);
  });
  it('accounts for every position of every latent', () => {
    const random = seededRandom('pairs');
    const [simulated, actual] = [randomActivations(random, 40, 12, 0.6), randomActivations(random, 40, 12, 0.6)];
    const pairs = collectPairs([{ simulated: simulatedOf(simulated), actual: activationsOf(actual) }], [0, 5, 11]);
    for (const { simulated, bothZero } of pairs.values()) expect(simulated.length + bothZero).toBe(40);
  });
  it('feeds the calibrations', () => {
    const batch = { simulated: simulatedOf(Array(50).fill([2])), actual: activationsOf(Array(50).fill([1])) };
    const fitted = fitCalibrations(linear, collectPairs([batch], [0]));
    expect(cell(calibrate(simulatedOf([[4]]), fitted), 0, 0)).toBeCloseTo(2, 1);
  });
  it('refuses batches of unequal length', () => {
    expect(() => collectPairs([{ simulated: simulatedOf([[1]]), actual: activationsOf([[1], [1]]) }], [0])).toThrow(
      /1 simulated positions beside 2/,
    );
  });
});

describe('shuffleExplanations', () => {
  const explanations = (count: number): Map<number, Explanation> =>
    new Map(
      Array.from({ length: count }, (_, i) => [
        3 * i,
        { hookpoint: 'layers.2', latent: 3 * i, style: 'sentence', text: `${3 * i}`, provenance: { by: 'hand' } },
      ]),
    );
  const textOf = (explanation: Explanation): string => (explanation.style === 'sentence' ? explanation.text : '');

  it.each([2, 3, 10, 200])('gives each of %i latents another one’s explanation, each used once', (count) => {
    for (const seed of [1, 2, 3]) {
      const shuffled = shuffleExplanations(explanations(count), seed);
      expect(new Set([...shuffled.values()].map(textOf)).size).toBe(count);
      for (const [latent, explanation] of shuffled) {
        expect(explanation.latent).toBe(latent);
        expect(textOf(explanation)).not.toBe(`${latent}`);
      }
    }
  });
  it('follows its seed', () => {
    expect(shuffleExplanations(explanations(50), 1)).toEqual(shuffleExplanations(explanations(50), 1));
    expect(shuffleExplanations(explanations(50), 1)).not.toEqual(shuffleExplanations(explanations(50), 2));
  });
  it('refuses a single explanation', () => expect(() => shuffleExplanations(explanations(1), 1)).toThrow(/single/));
});

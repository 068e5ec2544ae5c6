import type { Explanation } from '../../explanations/index.js';
import { perSite } from '../per-site.js';
import type { LatentPredictor } from '../predictor.js';
import type { Truth } from '../truth.js';
import type { Calibrated } from './calibration.js';
import type { NgramTable } from './controls/ngram.js';
import { calibrate, type SimulatedActivations, scaleRatings } from './pipeline.js';
import type { Simulator } from './simulator.js';

/** Rates and scales; calibrations of the same ratings share it, so that nothing is asked twice. */
export type ScaledRatings = (site: Parameters<Truth>[0], signal: AbortSignal) => Promise<SimulatedActivations>;

/**
 * @param scale `[latent]`, the largest activation observed on the evidence: what a rating of 9 stands for
 */
export function scaledRatings(
  simulator: Simulator,
  explanations: ReadonlyMap<number, Explanation>,
  scale: Float32Array,
  truth: Truth,
): ScaledRatings {
  const reader = simulator.read(explanations);
  return perSite(async (site, signal) => {
    const question = { context: site.context, positions: site.positions, truth: () => truth(site, signal) };
    return scaleRatings(await reader.rate(question, signal), scale);
  });
}

function coverage(latents: Iterable<number>, width: number): Uint8Array {
  const covers = new Uint8Array(width);
  for (const latent of latents) covers[latent] = 1;
  return covers;
}

/** A simulator that reads explanations, with its calibration: rate, scale, calibrate. */
export function simulatedPredictor(
  name: string,
  ratings: ScaledRatings,
  explained: Iterable<number>,
  width: number,
  calibrated: ReadonlyMap<number, Calibrated>,
): LatentPredictor {
  return {
    name,
    covers: coverage(explained, width),
    asksRatings: true,
    predict: perSite(async (site, signal) => {
      const activations = calibrate(await ratings(site, signal), calibrated);
      return { activations, missing: activations.missing };
    }),
  };
}

/** A table of local context: no explanation at all, a ceiling for those that look only there. */
export function ngramPredictor(table: NgramTable, width: number): LatentPredictor {
  return {
    name: `control-ngram-${table.order}`,
    covers: new Uint8Array(width).fill(1),
    asksRatings: false,
    predict: perSite(async (site) => ({ activations: table.predict(site.context, site.positions), missing: [] })),
  };
}

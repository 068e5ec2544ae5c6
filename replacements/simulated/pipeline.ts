import type { LatentActivations } from '../../harness/index.js';
import type { Calibrated, Calibration, CalibrationPairs } from './calibration.js';
import type { MissingReason, RatingBlock } from './simulator.js';

/**
 * Simulated activations in the coder's own unit, one row a position, and the pairs that were asked but have none.
 * A pair that is in neither is a simulated 0.
 */
export interface SimulatedActivations extends LatentActivations {
  readonly missing: readonly { readonly row: number; readonly latent: number; readonly why: MissingReason }[];
}

/** Maps each value; what becomes 0 leaves the sparse form. */
function mapValues(
  from: { readonly rows: Uint32Array; readonly ids: Uint32Array; readonly values: Float32Array },
  latents: number,
  missing: SimulatedActivations['missing'],
  value: (latent: number, value: number) => number,
): SimulatedActivations {
  const positions = from.rows.length - 1;
  const rows = new Uint32Array(positions + 1);
  const ids = new Uint32Array(from.ids.length);
  const values = new Float32Array(from.ids.length);
  let kept = 0;
  for (let row = 0; row < positions; row++) {
    for (let i = from.rows[row]!; i < from.rows[row + 1]!; i++) {
      const latent = from.ids[i]!;
      const mapped = value(latent, from.values[i]!);
      if (!(mapped >= 0 && mapped < Infinity)) throw new RangeError(`latent ${latent} came out as ${mapped}`);
      if (mapped === 0) continue;
      ids[kept] = latent;
      values[kept++] = mapped;
    }
    rows[row + 1] = kept;
  }
  return { positions, latents, rows, ids: ids.slice(0, kept), values: values.slice(0, kept), missing };
}

/**
 * Ratings to activations: rating / 9 x the latent's largest observed activation. A latent that was never seen to fire
 * has scale 0 and is simulated as silent.
 * @param scale `[latent]`, in the coder's activation unit; its length is the coder's width
 */
export function scaleRatings(block: RatingBlock, scale: Float32Array): SimulatedActivations {
  return mapValues(block, scale.length, block.missing, (latent, rating) => (rating / 9) * scale[latent]!);
}

/**
 * Each simulated activation as its latent's calibration maps it; zeros stay zero, so that the result stays sparse, and
 * latents without a calibration stay as they are.
 */
export function calibrate(
  simulated: SimulatedActivations,
  calibrated: ReadonlyMap<number, Calibrated>,
): SimulatedActivations {
  return mapValues(simulated, simulated.latents, simulated.missing, (latent, value) => {
    const map = calibrated.get(latent);
    return map === undefined ? value : map(value);
  });
}

/** Simulated and true activations at the same positions. */
export interface CalibrationBatch {
  readonly simulated: SimulatedActivations;
  readonly actual: LatentActivations;
}

/**
 * What the calibrations of `latents` are fitted on, over all batches. Missing ratings are left out: they are neither
 * zeros nor anything else.
 * @throws {RangeError} when a batch has different numbers of positions
 */
export function collectPairs(
  batches: readonly CalibrationBatch[],
  latents: Iterable<number>,
): Map<number, CalibrationPairs> {
  interface Gathered {
    readonly simulated: number[];
    readonly actual: number[];
    asked: number;
  }
  const gathered = new Map<number, Gathered>();
  for (const latent of latents) gathered.set(latent, { simulated: [], actual: [], asked: 0 });
  const add = (latent: number, simulated: number, actual: number): void => {
    const pairs = gathered.get(latent);
    pairs?.simulated.push(simulated);
    pairs?.actual.push(actual);
  };

  for (const { simulated, actual } of batches) {
    if (simulated.positions !== actual.positions) {
      throw new RangeError(`${simulated.positions} simulated positions beside ${actual.positions} true ones`);
    }
    for (const pairs of gathered.values()) pairs.asked += simulated.positions;
    const missing = new Set<number>();
    for (const { row, latent } of simulated.missing) {
      missing.add(row * simulated.latents + latent);
      const pairs = gathered.get(latent);
      if (pairs !== undefined) pairs.asked--;
    }
    for (let row = 0; row < simulated.positions; row++) {
      let s = simulated.rows[row]!;
      let a = actual.rows[row]!;
      const lastS = simulated.rows[row + 1]!;
      const lastA = actual.rows[row + 1]!;
      // A merge of two rising lists.
      while (s < lastS || a < lastA) {
        const fromS = s < lastS ? simulated.ids[s]! : Infinity;
        const fromA = a < lastA ? actual.ids[a]! : Infinity;
        const latent = Math.min(fromS, fromA);
        const simulatedValue = fromS === latent ? simulated.values[s++]! : 0;
        const actualValue = fromA === latent ? actual.values[a++]! : 0;
        if (!missing.has(row * simulated.latents + latent)) add(latent, simulatedValue, actualValue);
      }
    }
  }

  const collected = new Map<number, CalibrationPairs>();
  for (const [latent, { simulated, actual, asked }] of gathered) {
    collected.set(latent, {
      latent,
      simulated: Float32Array.from(simulated),
      actual: Float32Array.from(actual),
      bothZero: asked - simulated.length,
    });
  }
  return collected;
}

/** One calibration fitted for each latent. Which positions it may see is the caller's choice of pairs. */
export function fitCalibrations(
  calibration: Calibration,
  pairsByLatent: ReadonlyMap<number, CalibrationPairs>,
): Map<number, Calibrated> {
  return new Map(Array.from(pairsByLatent, ([latent, pairs]) => [latent, calibration.fit(pairs)]));
}

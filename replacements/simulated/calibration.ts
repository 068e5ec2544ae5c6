/**
 * What one latent's simulated activations were, beside the true ones, over the positions a calibration may see.
 * Positions where both are 0 are only counted.
 */
export interface CalibrationPairs {
  readonly latent: number;
  /** Scaled simulated activations (rating / 9 x largest observed activation), where either is not 0. */
  readonly simulated: Float32Array;
  /** True activations at the same positions. */
  readonly actual: Float32Array;
  /** Positions where both are exactly 0. */
  readonly bothZero: number;
}

/** Turns a latent's scaled simulated activation into one that behaves like the true ones. Never negative, never NaN. */
export type Calibrated = (simulated: number) => number;

/** One way of calibrating, fitted for one latent at a time on positions that are not evaluated. */
export interface Calibration {
  readonly id: string;
  fit(pairs: CalibrationPairs): Calibrated;
}

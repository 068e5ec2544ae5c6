import type { CellSpace } from './cells.js';

/** What one unit of each latent's activation adds to the component's output, `[latent, width]`, row by row. */
export interface Directions {
  readonly width: number;
  readonly rows: Float32Array;
}

/** One latent's part in the joint error. */
export interface LatentError {
  /** Adds so many units of the latent's activation in a cell. */
  add(cell: number, activation: number): void;
  /** By how much activation of the latent the error in a cell would be least; 0 for a latent that adds nothing. */
  correction(cell: number): number;
}

/**
 * What the rules of all latents together leave out or add in each cell, as a vector in the component's output: the sum over
 * latents of (prediction - mean activation) x decoder row. Latents that write alike err alike, so which token is worth a
 * place in a rule depends on what is said of the others.
 */
export class JointError {
  /** `[cell, width]`. */
  private readonly error: Float64Array;

  constructor(
    space: CellSpace,
    private readonly directions: Directions,
  ) {
    this.error = new Float64Array(space.cellCount.length * directions.width);
  }

  of(latent: number): LatentError {
    const { error } = this;
    const { width, rows } = this.directions;
    const row = Float64Array.from(rows.subarray(latent * width, (latent + 1) * width));
    const square = row.reduce((sum, value) => sum + value * value, 0);
    return {
      add(cell, activation) {
        if (activation === 0) return;
        const start = cell * width;
        for (let i = 0; i < width; i++) error[start + i]! += activation * row[i]!;
      },
      correction(cell) {
        if (square === 0) return 0;
        const start = cell * width;
        let along = 0;
        for (let i = 0; i < width; i++) along += error[start + i]! * row[i]!;
        return -along / square;
      },
    };
  }
}

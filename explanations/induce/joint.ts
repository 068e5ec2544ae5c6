import type { CellSpace } from './cells.js';

/** What one unit of each latent's activation adds to the component's output, `[latent, width]`, row by row. */
export interface Directions {
  readonly width: number;
  readonly rows: Float32Array;
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

  private row(latent: number): Float32Array {
    const { width, rows } = this.directions;
    return rows.subarray(latent * width, (latent + 1) * width);
  }

  /** Adds so many units of a latent's activation in a cell. */
  add(latent: number, cell: number, activation: number): void {
    if (activation === 0) return;
    const row = this.row(latent);
    const start = cell * row.length;
    for (let i = 0; i < row.length; i++) this.error[start + i]! += activation * row[i]!;
  }

  /** By how much activation of a latent the error in a cell would be least; 0 for a latent that adds nothing. */
  correction(latent: number, cell: number): number {
    const row = this.row(latent);
    const start = cell * row.length;
    let along = 0;
    let square = 0;
    for (let i = 0; i < row.length; i++) {
      along += this.error[start + i]! * row[i]!;
      square += row[i]! * row[i]!;
    }
    return square > 0 ? -along / square : 0;
  }
}

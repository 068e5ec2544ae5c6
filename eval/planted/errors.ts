/** Sparse rows of one context: activations, or ratings in any unit. Ids rise within a row. */
export interface SparseRows {
  readonly rows: Uint32Array;
  readonly ids: Uint32Array;
  readonly values: Float32Array;
}

/** What each latent did and was said to do, summed over positions; grows by a context at a time. */
export interface ErrorSums {
  /** @throws {RangeError} when the positions differ */
  add(truth: SparseRows, said: SparseRows): void;
  /** Positions at which the latent truly fires. */
  firings(latent: number): number;
  /**
   * The share of the latent's squared activation that what is said of it leaves unexplained, at the scale that suits it best:
   * 1 − (Σ said·true)² / (Σ said² Σ true²). 0 is perfect, 1 no better than silence; 1 where it is never said to fire.
   */
  unexplained(latent: number): number;
  /** Whether the same was said of a latent here and there, as far as sums can tell. */
  agrees(other: ErrorSums, latent: number): boolean;
  /** What `agrees` compares. */
  readonly said: { readonly squares: Float64Array; readonly products: Float64Array; readonly rated: Float64Array };
}

/** @param latents number of latents of the coder */
export function errorSums(latents: number): ErrorSums {
  const truths = new Float64Array(latents);
  const fired = new Uint32Array(latents);
  const said = {
    squares: new Float64Array(latents),
    products: new Float64Array(latents),
    rated: new Float64Array(latents),
  };
  // One row of true activations at a time, put there and taken away again.
  const row = new Float64Array(latents);
  return {
    said,
    add(truth, ratings) {
      if (truth.rows.length !== ratings.rows.length) {
        throw new RangeError(`${ratings.rows.length - 1} rows of ratings for ${truth.rows.length - 1} positions`);
      }
      for (let at = 0; at + 1 < truth.rows.length; at++) {
        const [from, to] = [truth.rows[at]!, truth.rows[at + 1]!];
        for (let i = from; i < to; i++) {
          const [latent, value] = [truth.ids[i]!, truth.values[i]!];
          row[latent] = value;
          truths[latent]! += value * value;
          if (value > 0) fired[latent]! += 1;
        }
        for (let i = ratings.rows[at]!; i < ratings.rows[at + 1]!; i++) {
          const [latent, value] = [ratings.ids[i]!, ratings.values[i]!];
          said.squares[latent]! += value * value;
          said.products[latent]! += value * row[latent]!;
          said.rated[latent]! += 1;
        }
        for (let i = from; i < to; i++) row[truth.ids[i]!] = 0;
      }
    },
    firings: (latent) => fired[latent]!,
    unexplained(latent) {
      const scale = said.squares[latent]! * truths[latent]!;
      return scale > 0 ? Math.max(0, 1 - said.products[latent]! ** 2 / scale) : 1;
    },
    agrees: (other, latent) =>
      said.squares[latent] === other.said.squares[latent] &&
      said.products[latent] === other.said.products[latent] &&
      said.rated[latent] === other.said.rated[latent],
  };
}

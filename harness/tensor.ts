/**
 * Row-major float32 with its axis names in the type: a `[position, latent]` is no `[position, model]`,
 * and the compiler refuses a swap even where the lengths agree.
 */
export interface Matrix<Row extends string, Column extends string> {
  readonly axes: readonly [Row, Column];
  readonly shape: readonly [rows: number, columns: number];
  readonly data: Float32Array;
}

/** What a hookpoint reads at each position: `[position, model]`. */
export type ComponentInput = Matrix<'position', 'model'> & { readonly site: 'reads' };

/** What a hookpoint writes at each position, before it joins the residual stream: `[position, model]`. */
export type ComponentOutput = Matrix<'position', 'model'> & { readonly site: 'writes' };

function checkedShape(data: Float32Array, rows: number): readonly [number, number] {
  const columns = rows === 0 ? 0 : data.length / rows;
  if (!Number.isInteger(columns)) throw new RangeError(`${data.length} values do not fill ${rows} rows`);
  return [rows, columns];
}

/** @throws {RangeError} when `data` does not divide into `rows` */
export function componentInput(data: Float32Array, rows: number): ComponentInput {
  return { axes: ['position', 'model'], site: 'reads', shape: checkedShape(data, rows), data };
}

/** @throws {RangeError} when `data` does not divide into `rows` */
export function componentOutput(data: Float32Array, rows: number): ComponentOutput {
  return { axes: ['position', 'model'], site: 'writes', shape: checkedShape(data, rows), data };
}

/**
 * Latent activations, sparse by position: position `p` holds the latents `ids[rows[p] .. rows[p+1])` with
 * `values` > 0 in the coder's own activation unit; every other latent is exactly 0 there. `ids` rise within a row.
 */
export interface LatentActivations {
  readonly positions: number;
  readonly latents: number;
  /** `positions + 1` offsets into `ids` and `values`. */
  readonly rows: Uint32Array;
  readonly ids: Uint32Array;
  readonly values: Float32Array;
}

import type { LatentActivations } from '../../harness/index.js';
import type { SparsityRule } from './coder.js';

/** One position's latents: ids rising, values above 0. */
export interface LatentRow {
  readonly ids: ArrayLike<number>;
  readonly values: ArrayLike<number>;
}

/** Collects rows, one position after another, into sparse activations. Values that are not above 0 are left out. */
export class LatentRowsBuilder {
  private readonly rows: number[] = [0];
  private readonly ids: number[] = [];
  private readonly values: number[] = [];

  constructor(private readonly latents: number) {}

  push(row: LatentRow): void {
    for (let i = 0; i < row.ids.length; i++) {
      if (row.values[i]! > 0) {
        this.ids.push(row.ids[i]!);
        this.values.push(row.values[i]!);
      }
    }
    this.rows.push(this.ids.length);
  }

  build(): LatentActivations {
    return {
      positions: this.rows.length - 1,
      latents: this.latents,
      rows: Uint32Array.from(this.rows),
      ids: Uint32Array.from(this.ids),
      values: Float32Array.from(this.values),
    };
  }
}

/** From rectangles `[position, slot]` in any order to sparse rows with ids rising; zeros are not firings. */
export function activationsFromRows(
  values: Float32Array,
  ids: BigInt64Array,
  positions: number,
  latents: number,
): LatentActivations {
  const slots = positions === 0 ? 0 : values.length / positions;
  const builder = new LatentRowsBuilder(latents);
  for (let position = 0; position < positions; position++) {
    const start = position * slots;
    const order = Array.from({ length: slots }, (_, slot) => start + slot).sort((a, b) => Number(ids[a]! - ids[b]!));
    builder.push({ ids: order.map((at) => Number(ids[at])), values: order.map((at) => values[at]!) });
  }
  return builder.build();
}

export function rowOf(activations: LatentActivations, position: number): LatentRow {
  const [start, end] = [activations.rows[position]!, activations.rows[position + 1]!];
  return { ids: activations.ids.subarray(start, end), values: activations.values.subarray(start, end) };
}

/** No latent fires anywhere. */
export function nothingFires(positions: number, latents: number): LatentActivations {
  const empty = { ids: new Uint32Array(0), values: new Float32Array(0) };
  return { positions, latents, rows: new Uint32Array(positions + 1), ...empty };
}

/**
 * The truth where a latent is not selected, the prediction where it is: union by id, ids rising.
 * @param selected one byte a latent, 1 where it is rewritten
 */
export function mixRows(truth: LatentRow, predicted: LatentRow, selected: Uint8Array): LatentRow {
  const ids: number[] = [];
  const values: number[] = [];
  let [t, p] = [0, 0];
  while (t < truth.ids.length || p < predicted.ids.length) {
    const fromTruth = t < truth.ids.length ? truth.ids[t]! : Number.POSITIVE_INFINITY;
    const fromPrediction = p < predicted.ids.length ? predicted.ids[p]! : Number.POSITIVE_INFINITY;
    const id = Math.min(fromTruth, fromPrediction);
    const value = selected[id]
      ? fromPrediction === id
        ? predicted.values[p]!
        : 0
      : fromTruth === id
        ? truth.values[t]!
        : 0;
    if (fromTruth === id) t++;
    if (fromPrediction === id) p++;
    if (value > 0) {
      ids.push(id);
      values.push(value);
    }
  }
  return { ids, values };
}

/** The coder's own rule applied again, to activations from anywhere; of equal ones the lower id is kept. */
export function sparsify(row: LatentRow, rule: SparsityRule, latents: number): LatentRow {
  const count = row.ids.length;
  const larger = (a: number, b: number) => row.values[b]! - row.values[a]! || row.ids[a]! - row.ids[b]!;
  const pick = (kept: number[]): LatentRow => {
    kept.sort((a, b) => row.ids[a]! - row.ids[b]!);
    return { ids: kept.map((at) => row.ids[at]!), values: kept.map((at) => row.values[at]!) };
  };
  switch (rule.kind) {
    case 'topk':
      return count <= rule.k
        ? row
        : pick(
            Array.from({ length: count }, (_, at) => at)
              .sort(larger)
              .slice(0, rule.k),
          );
    case 'groupmax': {
      const size = latents / rule.k;
      const best = new Map<number, number>();
      for (let at = 0; at < count; at++) {
        const group = Math.floor(row.ids[at]! / size);
        const known = best.get(group);
        if (known === undefined || larger(at, known) < 0) best.set(group, at);
      }
      return pick([...best.values()]);
    }
  }
}

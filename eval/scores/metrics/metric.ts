/**
 * What one latent did and what was predicted of it, item by item: tokens, or whole contexts. Items without a prediction
 * are not in here.
 */
export interface Pairs {
  /** True activations; above 0 the latent fires, and the item is a *positive*. */
  readonly actual: ArrayLike<number>;
  /** Ratings, probabilities or activations: anything that is higher where firing is more expected. Finite. */
  readonly predicted: ArrayLike<number>;
  /** A prediction above this says that the latent fires, and the item is *labelled*. */
  readonly firesAbove: number;
}

/** A number, or the reason why it does not exist. Never NaN, and never a 0 that stands for nothing. */
export type Value =
  | { readonly status: 'measured'; readonly value: number }
  | { readonly status: 'undefined'; readonly why: UndefinedReason };

export type UndefinedReason =
  | 'no items'
  | 'no positives'
  | 'no negatives'
  | 'nothing labelled'
  | 'neither positives nor labels'
  | 'constant activation'
  | 'constant prediction'
  | 'prediction all zero'
  | 'too few examples'
  | 'no answers'
  | 'no explanation'
  /** Steering changes nothing of what the model says, which is no effect of 0 that an explanation could be held against. */
  | 'no effect';

/** How well predictions agree with what a latent did. Higher is better. */
export interface Metric {
  readonly id: string;
  /** Rises with every change of the definition: numbers of different versions must not be compared. */
  readonly version: number;
  /** Least and largest value. */
  readonly range: readonly [number, number];
  /** @throws {RangeError} where lengths differ or a prediction is not finite */
  of(pairs: Pairs): Value;
}

export const measured = (value: number): Value => ({ status: 'measured', value });
export const notDefined = (why: UndefinedReason): Value => ({ status: 'undefined', why });

/** @throws {RangeError} for pairs that are none */
export function checkPairs({ actual, predicted, firesAbove }: Pairs): void {
  if (actual.length !== predicted.length) {
    throw new RangeError(`${actual.length} activations do not pair with ${predicted.length} predictions`);
  }
  if (!Number.isFinite(firesAbove)) throw new RangeError(`a prediction cannot fire above ${firesAbove}`);
  for (let i = 0; i < actual.length; i++) {
    if (!(actual[i]! >= 0 && actual[i]! < Number.POSITIVE_INFINITY)) {
      throw new RangeError(`item ${i} has activation ${actual[i]}`);
    }
    if (!Number.isFinite(predicted[i]!)) throw new RangeError(`item ${i} has prediction ${predicted[i]}`);
  }
}

/** Items on which the latent fires. */
export function positives({ actual }: Pick<Pairs, 'actual'>): number {
  let count = 0;
  for (let i = 0; i < actual.length; i++) if (actual[i]! > 0) count++;
  return count;
}

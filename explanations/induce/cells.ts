import type { NgramIndex, NgramLevel } from './ngrams.js';

/**
 * The distinct three-token endings of a text, "cells", in an order in which all cells of a pair, and all pairs of a last
 * token, lie next to each other. Every rule of at most three tokens treats a cell's occurrences alike, so the search
 * needs to look at cells only.
 *
 * Named from the current token backwards: `last`, `previous`, `oldest`.
 */
export interface CellSpace {
  readonly symbols: readonly string[];
  /** Pairs whose last token is `z`: `pairStart[z] .. pairStart[z+1]`, previous tokens rising. */
  readonly pairStart: Uint32Array;
  readonly pairPrevious: Uint32Array;
  readonly pairLast: Uint32Array;
  readonly pairCount: Float64Array;
  /** Cells of pair `b`: `cellStart[b] .. cellStart[b+1]`, oldest tokens rising. */
  readonly cellStart: Uint32Array;
  readonly cellOldest: Uint32Array;
  readonly cellPair: Uint32Array;
  readonly cellCount: Float64Array;
  readonly lastCount: Float64Array;
  /** `[position]`: the cell that ends there. */
  readonly cellAt: Uint32Array;
}

/** N-grams in the order of (rank of the shorter one, oldest symbol), and where each shorter one's stretch starts. */
function arrange(
  level: NgramLevel,
  rankBelow: Uint32Array,
): { order: Uint32Array; rank: Uint32Array; start: Uint32Array } {
  const order = Uint32Array.from(level.count.keys()).sort(
    (a, b) => rankBelow[level.shorter[a]!]! - rankBelow[level.shorter[b]!]! || level.oldest[a]! - level.oldest[b]!,
  );
  const rank = new Uint32Array(order.length);
  order.forEach((ngram, at) => {
    rank[ngram] = at;
  });
  const start = new Uint32Array(rankBelow.length + 1);
  for (const shorter of level.shorter) start[rankBelow[shorter]! + 1]!++;
  for (let i = 0; i < rankBelow.length; i++) start[i + 1]! += start[i]!;
  return { order, rank, start };
}

/** @param index n-grams of lengths 1 to 3 */
export function buildCells({ symbols, levels }: NgramIndex): CellSpace {
  const [tokens, pairs, triples] = levels;
  if (tokens === undefined || pairs === undefined || triples === undefined) throw new RangeError('cells need order 3');
  const arrangedPairs = arrange(pairs, Uint32Array.from(tokens.count.keys()));
  const arrangedCells = arrange(triples, arrangedPairs.rank);
  return {
    symbols,
    pairStart: arrangedPairs.start,
    pairPrevious: arrangedPairs.order.map((ngram) => pairs.oldest[ngram]!),
    pairLast: arrangedPairs.order.map((ngram) => pairs.shorter[ngram]!),
    pairCount: Float64Array.from(arrangedPairs.order, (ngram) => pairs.count[ngram]!),
    cellStart: arrangedCells.start,
    cellOldest: arrangedCells.order.map((ngram) => triples.oldest[ngram]!),
    cellPair: arrangedCells.order.map((ngram) => arrangedPairs.rank[triples.shorter[ngram]!]!),
    cellCount: Float64Array.from(arrangedCells.order, (ngram) => triples.count[ngram]!),
    lastCount: Float64Array.from(tokens.count),
    cellAt: triples.at.map((ngram) => arrangedCells.rank[ngram]!),
  };
}

function search(values: Uint32Array, from: number, to: number, value: number): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low < to && values[low] === value ? low : -1;
}

/** The pair of two tokens, or -1 where they never stood side by side. */
export function findPair(space: CellSpace, previous: number, last: number): number {
  return search(space.pairPrevious, space.pairStart[last]!, space.pairStart[last + 1]!, previous);
}

/** The cell of a token before a pair, or -1 where that never occurred. */
export function findCell(space: CellSpace, oldest: number, pair: number): number {
  return search(space.cellOldest, space.cellStart[pair]!, space.cellStart[pair + 1]!, oldest);
}

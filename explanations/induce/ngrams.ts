import type { Context } from '../../harness/index.js';

/** All n-grams of one length that occur, numbered in order of first appearance. */
export interface NgramLevel {
  /** `[position]`: the n-gram that ends there. */
  readonly at: Uint32Array;
  /** `[n-gram]`: how often it occurs. */
  readonly count: Uint32Array;
  /** `[n-gram]`: its oldest symbol. */
  readonly oldest: Uint32Array;
  /** `[n-gram]`: the n-gram of the level below that remains without the oldest symbol; itself at the first level. */
  readonly shorter: Uint32Array;
  /** The n-gram made of `oldest` before `shorter`, or `undefined` where that never occurred. The first level ignores `shorter`. */
  find(shorter: number, oldest: number): number | undefined;
}

/**
 * The n-grams of a text by surface form. Symbol `i` is `symbols[i]`; symbol `symbols.length` stands for each place before
 * the start of a context, so that every position has an n-gram of every length.
 */
export interface NgramIndex {
  readonly symbols: readonly string[];
  readonly symbolOf: ReadonlyMap<string, number>;
  /** `levels[0]` holds single symbols (numbered as symbols), `levels[1]` pairs, ... */
  readonly levels: readonly NgramLevel[];
}

/** Indexes the n-grams of lengths 1 to `order`. Positions count through all contexts in order. */
export function indexNgrams(contexts: readonly Context[], order: number): NgramIndex {
  const symbolOf = new Map<string, number>();
  const tokens = contexts.reduce((sum, { text }) => sum + text.length, 0);
  const current = new Uint32Array(tokens);
  // How far back each position's context reaches.
  const depth = new Uint32Array(tokens);
  let position = 0;
  for (const { text } of contexts) {
    for (const [i, token] of text.entries()) {
      let symbol = symbolOf.get(token);
      if (symbol === undefined) {
        symbol = symbolOf.size;
        symbolOf.set(token, symbol);
      }
      depth[position] = i;
      current[position++] = symbol;
    }
  }
  const start = symbolOf.size;
  const count = new Uint32Array(start);
  for (const symbol of current) count[symbol]!++;
  const identity = Uint32Array.from(count.keys());
  const levels: NgramLevel[] = [
    {
      at: current,
      count,
      oldest: identity,
      shorter: identity,
      find: (_, symbol) => (symbol < start ? symbol : undefined),
    },
  ];
  for (let length = 2; length <= order; length++) levels.push(lengthen(levels.at(-1)!, length, current, depth, start));
  return { symbols: [...symbolOf.keys()], symbolOf, levels };
}

function lengthen(
  below: NgramLevel,
  length: number,
  current: Uint32Array,
  depth: Uint32Array,
  start: number,
): NgramLevel {
  // Exact up to 2^53: n-grams x symbols stays far below.
  const width = start + 1;
  const known = new Map<number, number>();
  const at = new Uint32Array(current.length);
  const counts: number[] = [];
  const oldest: number[] = [];
  const shorter: number[] = [];
  for (let position = 0; position < current.length; position++) {
    const symbol = depth[position]! >= length - 1 ? current[position - length + 1]! : start;
    const rest = below.at[position]!;
    const key = rest * width + symbol;
    let ngram = known.get(key);
    if (ngram === undefined) {
      ngram = known.size;
      known.set(key, ngram);
      counts.push(0);
      oldest.push(symbol);
      shorter.push(rest);
    }
    counts[ngram]!++;
    at[position] = ngram;
  }
  return {
    at,
    count: Uint32Array.from(counts),
    oldest: Uint32Array.from(oldest),
    shorter: Uint32Array.from(shorter),
    find: (rest, symbol) => known.get(rest * width + symbol),
  };
}

/** One benchmark: figures by name. A name says its unit, or that it is a ratio. */
export interface Benchmark {
  readonly name: string;
  /** One line: what is compared with what. */
  readonly about: string;
  /** The ratios that are promised, with the largest value that keeps the promise. */
  readonly promises: Readonly<Record<string, number>>;
  run(): Promise<Readonly<Record<string, number>>>;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

import { createHash } from 'node:crypto';

/** A seeded stream of numbers. The same seed gives the same stream on every machine. */
export interface Random {
  /** Uniform in [0, 1), 32 bits. */
  next(): number;
  /** Uniform whole number in [0, below). */
  integer(below: number): number;
  /** Standard normal. */
  normal(): number;
  /** One item, uniformly. @throws {RangeError} when there is none */
  pick<T>(items: readonly T[]): T;
  /** A new array with the items in random order (Fisher-Yates). */
  shuffle<T>(items: readonly T[]): T[];
  /** An independent stream named by `label`; drawing from it does not move this one. */
  fork(label: string): Random;
}

/**
 * sfc32 (Doty-Humphrey, PractRand), seeded by sha256 so that nearby seeds give unrelated streams.
 * @param seed any text or number; a fork's seed is its parent's with the label behind it
 */
export function seededRandom(seed: string | number): Random {
  const digest = createHash('sha256').update(String(seed)).digest();
  let a = digest.readInt32LE(0);
  let b = digest.readInt32LE(4);
  let c = digest.readInt32LE(8);
  let counter = digest.readInt32LE(12);
  const next = (): number => {
    const t = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return (t >>> 0) / 2 ** 32;
  };
  const integer = (below: number): number => Math.floor(next() * below);
  return {
    next,
    integer,
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
    pick(items) {
      if (items.length === 0) throw new RangeError('nothing to pick from');
      return items[integer(items.length)]!;
    },
    shuffle(items) {
      const shuffled = [...items];
      for (let i = shuffled.length - 1; i > 0; i--) {
        const j = integer(i + 1);
        [shuffled[i], shuffled[j]] = [shuffled[j]!, shuffled[i]!];
      }
      return shuffled;
    },
    fork: (label) => seededRandom(`${seed}/${label}`),
  };
}

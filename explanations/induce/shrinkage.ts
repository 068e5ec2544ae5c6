import { type Random, seededRandom } from '../../harness/index.js';
import type { CellSpace } from './cells.js';
import { type ActivationsByLatent, byLatent, type Evidence } from './evidence.js';

/**
 * How much a mean over few occurrences is drawn towards the mean of the shorter context, in pseudo-occurrences of the
 * shorter: mean = (sum + pseudo x shorter) / (count + pseudo). The mean of a single token is drawn towards 0.
 */
export interface Shrinkage {
  readonly last: number;
  readonly pair: number;
  readonly cell: number;
}

/** A latent's sums of activation by last token, pair and cell. Scratch: `add` fills it, `clear` empties it again. */
export class ContextSums {
  readonly last: Float64Array;
  readonly pair: Float64Array;
  readonly cell: Float64Array;
  private readonly touched: number[] = [];

  constructor(private readonly space: CellSpace) {
    this.last = new Float64Array(space.lastCount.length);
    this.pair = new Float64Array(space.pairCount.length);
    this.cell = new Float64Array(space.cellCount.length);
  }

  add(cell: number, activation: number): void {
    const pair = this.space.cellPair[cell]!;
    this.touched.push(cell);
    this.cell[cell]! += activation;
    this.pair[pair]! += activation;
    this.last[this.space.pairLast[pair]!]! += activation;
  }

  clear(): void {
    for (const cell of this.touched) {
      const pair = this.space.cellPair[cell]!;
      this.cell[cell] = 0;
      this.pair[pair] = 0;
      this.last[this.space.pairLast[pair]!] = 0;
    }
    this.touched.length = 0;
  }
}

const CANDIDATES = [0.1, 0.25, 0.5, 1, 2, 4, 8, 16] as const;
const MOST_LATENTS = 64;
const MOST_POSITIONS = 20_000;

function best(errors: readonly number[]): (typeof CANDIDATES)[number] {
  return CANDIDATES[errors.indexOf(Math.min(...errors))]!;
}

/**
 * Chooses the shrinkage on held-out evidence: means from four fifths of the contexts, squared error on the rest, over a
 * sample of latents, each counted relative to its own activation. The levels are chosen one after the other, shortest
 * context first, since each is drawn towards the one before.
 */
export function chooseShrinkage(space: CellSpace, evidence: Evidence, seed: string | number): Shrinkage {
  const random = seededRandom(seed);
  const heldOut = splitPositions(evidence, random);
  const counts = new ContextSums(space);
  for (const [position, cell] of space.cellAt.entries()) {
    if (heldOut[position] === 0) counts.add(cell, 1);
  }
  const tested = Uint32Array.from(space.cellAt.keys())
    .filter((position) => heldOut[position] === 1)
    .slice(0, MOST_POSITIONS);
  const sparse = byLatent(evidence.activations);
  const latents = random
    .shuffle(Array.from({ length: evidence.activations.latents }, (_, latent) => latent))
    .filter((latent) => sparse.starts[latent]! < sparse.starts[latent + 1]!)
    .slice(0, MOST_LATENTS);

  // One latent's sums at each tested position are kept for all three levels, so that each is walked once.
  const samples = latents.map((latent) => sample(space, sparse, latent, { heldOut, tested }));
  const level = (
    count: (position: number) => number,
    sums: (sample: Sample) => Float32Array,
    shorter: readonly Float32Array[],
  ): { pseudo: number; means: Float32Array[] } => {
    const mean = (pseudo: number, s: number, i: number): number =>
      (sums(samples[s]!)[i]! + pseudo * shorter[s]![i]!) / (count(tested[i]!) + pseudo);
    const errors = CANDIDATES.map((pseudo) =>
      samples.reduce((total, { actual, energy }, s) => {
        let error = 0;
        for (let i = 0; i < actual.length; i++) {
          error += (actual[i]! - mean(pseudo, s, i)) ** 2;
        }
        return total + error / energy;
      }, 0),
    );
    const pseudo = best(errors);
    return { pseudo, means: samples.map(({ actual }, s) => actual.map((_, i) => mean(pseudo, s, i))) };
  };
  const pairOf = (position: number): number => space.cellPair[space.cellAt[position]!]!;
  const nothing = samples.map(({ actual }) => new Float32Array(actual.length));
  const last = level(
    (p) => counts.last[space.pairLast[pairOf(p)]!]!,
    (s) => s.last,
    nothing,
  );
  const pair = level(
    (p) => counts.pair[pairOf(p)]!,
    (s) => s.pair,
    last.means,
  );
  const cell = level(
    (p) => counts.cell[space.cellAt[p]!]!,
    (s) => s.cell,
    pair.means,
  );
  return { last: last.pseudo, pair: pair.pseudo, cell: cell.pseudo };
}

/** 1 at the positions of a random fifth of the contexts (at least one). */
function splitPositions({ contexts }: Evidence, random: Random): Uint8Array {
  const chosen = new Set(
    random.shuffle(contexts.map((_, i) => i)).slice(0, Math.max(1, Math.floor(contexts.length / 5))),
  );
  const flags = contexts.flatMap(({ text }, i) => new Array<number>(text.length).fill(chosen.has(i) ? 1 : 0));
  return Uint8Array.from(flags);
}

/** One latent at the tested positions: what it did, and its sums over the other positions by context. */
interface Sample {
  readonly actual: Float32Array;
  readonly last: Float32Array;
  readonly pair: Float32Array;
  readonly cell: Float32Array;
  readonly energy: number;
}

function sample(
  space: CellSpace,
  { starts, positions, values }: ActivationsByLatent,
  latent: number,
  { heldOut, tested }: { readonly heldOut: Uint8Array; readonly tested: Uint32Array },
): Sample {
  const sums = new ContextSums(space);
  const active = new Map<number, number>();
  let energy = 0;
  for (let i = starts[latent]!; i < starts[latent + 1]!; i++) {
    energy += values[i]! ** 2;
    if (heldOut[positions[i]!] === 1) active.set(positions[i]!, values[i]!);
    else sums.add(space.cellAt[positions[i]!]!, values[i]!);
  }
  const at = (value: (position: number) => number): Float32Array => Float32Array.from(tested, value);
  return {
    actual: at((p) => active.get(p) ?? 0),
    last: at((p) => sums.last[space.pairLast[space.cellPair[space.cellAt[p]!]!]!]!),
    pair: at((p) => sums.pair[space.cellPair[space.cellAt[p]!]!]!),
    cell: at((p) => sums.cell[space.cellAt[p]!]!),
    energy,
  };
}

import { type CellSpace, findCell, findPair } from './cells.js';

/**
 * Strengths are searched in whole steps of half a rating: with whole ratings, activations far below the largest one,
 * which most are, would be rounded by a fifth of their size or more.
 */
export const STEPS_PER_RATING = 2;
/** The strength of 9, in steps. */
export const STRONGEST = 9 * STEPS_PER_RATING;

/** A rule in the making: symbols instead of tokens, slots oldest first, at most three. */
export interface DraftRule {
  readonly slots: readonly (readonly number[])[];
  /** In steps, 0 to `STRONGEST`. */
  readonly strength: number;
}

/** All ways to pick one symbol from each slot. */
export function* combinations(slots: readonly (readonly number[])[]): Generator<readonly number[]> {
  const [first, ...rest] = slots;
  if (first === undefined) yield [];
  else for (const tail of combinations(rest)) for (const symbol of first) yield [symbol, ...tail];
}

const NONE = -1;
/** Sums that are kept of an atom. */
const SUMS = 4;

/**
 * How well a set of rules fits one latent, kept up to date while rules are added: squared error over all occurrences of
 * all cells, in steps squared, relative to predicting 0 everywhere (so it starts at 0 and falls).
 *
 * Rules are weighed by "atoms", what a choice of one symbol for each slot matches: a last token, a pair or a cell. For
 * each atom sums are kept over those of its cells that no rule of its length or longer decides yet: n, n x goal,
 * n x prediction x (prediction - 2 x goal), and n x target. From them the gain of deciding the atom with any strength,
 * and the strength that its own activations have there, follow without looking at the cells again.
 */
export class RuleFit {
  /** `[cell]`: what the latent does there, in steps of strength. Only the cells of the latent's own last tokens are valid. */
  readonly target: Float64Array;
  /**
   * `[cell]`: what it would best be said to do there, in steps of strength, for what is written to be right beside all that
   * is said of other latents; `target` where no other counts. Rules state strengths that fit the target, and are chosen
   * where they bring most for the goal: an explanation never says what its own latent does not do.
   */
  readonly goal: Float64Array;
  private readonly prediction: Float64Array;
  private readonly decidedBy: Uint8Array;
  private readonly lastSums: Float64Array;
  private readonly pairSums: Float64Array;
  private lastStrength = new Map<number, number>();
  private pairStrength = new Map<number, number>();
  private cellStrength = new Map<number, number>();
  private lasts: readonly number[] = [];
  private loss = 0;

  constructor(readonly space: CellSpace) {
    this.target = new Float64Array(space.cellCount.length);
    this.goal = new Float64Array(space.cellCount.length);
    this.prediction = new Float64Array(space.cellCount.length);
    this.decidedBy = new Uint8Array(space.cellCount.length);
    this.lastSums = new Float64Array(SUMS * space.lastCount.length);
    this.pairSums = new Float64Array(SUMS * space.pairCount.length);
  }

  /** Error relative to predicting 0 everywhere; never above 0 when every rule helps. */
  get error(): number {
    return this.loss;
  }

  /** Starts on a latent whose `target` and `goal` have been filled for these last tokens. No rule may end in another token. */
  begin(lasts: readonly number[]): void {
    this.lasts = lasts;
    this.clear();
  }

  /** Starts anew with these rules. */
  rebuild(rules: readonly DraftRule[]): void {
    this.clear();
    for (const rule of rules) this.add(rule);
  }

  private clear(): void {
    const { pairStart, cellStart, cellCount } = this.space;
    this.loss = 0;
    this.lastStrength = new Map();
    this.pairStrength = new Map();
    this.cellStrength = new Map();
    for (const last of this.lasts) {
      this.lastSums.fill(0, SUMS * last, SUMS * (last + 1));
      for (let pair = pairStart[last]!; pair < pairStart[last + 1]!; pair++) {
        let count = 0;
        let sum = 0;
        let targets = 0;
        for (let cell = cellStart[pair]!; cell < cellStart[pair + 1]!; cell++) {
          count += cellCount[cell]!;
          sum += cellCount[cell]! * this.goal[cell]!;
          targets += cellCount[cell]! * this.target[cell]!;
          this.prediction[cell] = 0;
          this.decidedBy[cell] = 0;
        }
        this.pairSums[SUMS * pair] = count;
        this.pairSums[SUMS * pair + 1] = sum;
        this.pairSums[SUMS * pair + 2] = 0;
        this.pairSums[SUMS * pair + 3] = targets;
        this.lastSums[SUMS * last]! += count;
        this.lastSums[SUMS * last + 1]! += sum;
        this.lastSums[SUMS * last + 3]! += targets;
      }
    }
  }

  /** Where the atom of these symbols is counted: a last token, pair or cell; -1 where it never occurred. */
  atom(symbols: readonly number[]): number {
    const last = symbols.at(-1)!;
    if (symbols.length === 1) return last;
    const pair = findPair(this.space, symbols.at(-2)!, last);
    return symbols.length === 2 || pair < 0 ? pair : findCell(this.space, symbols[0]!, pair);
  }

  /** What the rules say in a cell, in steps of strength. */
  predicted(cell: number): number {
    return this.prediction[cell]!;
  }

  /** How much the error would fall if the undecided part of an atom were given this strength. */
  gain(length: number, atom: number, strength: number): number {
    if (length === 3) {
      if (this.decidedBy[atom]! >= 3) return 0;
      const off = this.prediction[atom]! - this.goal[atom]!;
      const then = strength - this.goal[atom]!;
      return this.space.cellCount[atom]! * (off * off - then * then);
    }
    const sums = length === 1 ? this.lastSums : this.pairSums;
    return sums[SUMS * atom + 2]! + 2 * strength * sums[SUMS * atom + 1]! - strength * strength * sums[SUMS * atom]!;
  }

  /** The strength that fits what the latent does: the mean target over the undecided part. */
  bestStrength(length: number, atom: number): number {
    const sums = length === 1 ? this.lastSums : this.pairSums;
    const count = length === 3 ? 1 : sums[SUMS * atom]!;
    const mean = length === 3 ? this.target[atom]! : sums[SUMS * atom + 3]! / count;
    return count > 0 ? Math.min(STRONGEST, Math.round(mean)) : 0;
  }

  /** The strength that a rule of these symbols already gives, or -1. Covers atoms that never occurred, too. */
  decided(symbols: readonly number[]): number {
    return this.strengths(symbols.length).get(this.key(symbols)) ?? NONE;
  }

  private strengths(length: number): Map<number, number> {
    return length === 1 ? this.lastStrength : length === 2 ? this.pairStrength : this.cellStrength;
  }

  private key(symbols: readonly number[]): number {
    return symbols.reduce((key, symbol) => key * (this.space.symbols.length + 1) + symbol, 0);
  }

  /** Calls for each cell that the atom holds. */
  private eachCell(length: number, atom: number, visit: (cell: number) => void): void {
    const { pairStart, cellStart } = this.space;
    if (length === 3) visit(atom);
    else {
      const [from, to] = length === 2 ? [atom, atom + 1] : [pairStart[atom]!, pairStart[atom + 1]!];
      for (let cell = cellStart[from]!; cell < cellStart[to]!; cell++) visit(cell);
    }
  }

  /** Calls for each cell of these atoms that rules of this length decide. */
  private eachDecided(slots: readonly (readonly number[])[], visit: (cell: number) => void): void {
    for (const symbols of combinations(slots)) {
      const atom = this.atom(symbols);
      if (atom < 0) continue;
      this.eachCell(slots.length, atom, (cell) => {
        if (this.decidedBy[cell] === slots.length) visit(cell);
      });
    }
  }

  /** Adds a rule, or more alternatives of one: cells that a longer or equal rule decides stay as they are. */
  add({ slots, strength }: DraftRule): void {
    const length = slots.length;
    for (const symbols of combinations(slots)) {
      this.strengths(length).set(this.key(symbols), strength);
      const atom = this.atom(symbols);
      if (atom >= 0) this.eachCell(length, atom, (cell) => this.decide(cell, length, strength));
    }
  }

  private decide(cell: number, length: number, strength: number): void {
    const before = this.decidedBy[cell]!;
    if (before >= length) return;
    const { cellCount, cellPair, pairLast } = this.space;
    const pair = cellPair[cell]!;
    const last = pairLast[pair]!;
    const n = cellCount[cell]!;
    const goal = this.goal[cell]!;
    const old = this.prediction[cell]!;
    const cost = n * old * (old - 2 * goal);
    const newCost = n * strength * (strength - 2 * goal);
    this.loss += newCost - cost;
    // Out of the sums of every length that may no longer decide it; changed in those that still may.
    for (const [sums, atom, atomLength] of [
      [this.lastSums, last, 1],
      [this.pairSums, pair, 2],
    ] as const) {
      if (before >= atomLength) continue;
      const stays = length < atomLength;
      sums[SUMS * atom + 2]! += (stays ? newCost : 0) - cost;
      if (stays) continue;
      sums[SUMS * atom]! -= n;
      sums[SUMS * atom + 1]! -= n * goal;
      sums[SUMS * atom + 3]! -= n * this.target[cell]!;
    }
    this.prediction[cell] = strength;
    this.decidedBy[cell] = length;
  }

  /** How much the error would rise without these atoms of rules of this length: the next shorter rule decides instead. */
  lossWithout(slots: readonly (readonly number[])[]): number {
    const length = slots.length;
    let loss = 0;
    for (const symbols of combinations(slots)) {
      const atom = this.atom(symbols);
      if (atom < 0) continue;
      const shorter = length > 1 ? this.fallback(symbols.slice(1)) : 0;
      this.eachCell(length, atom, (cell) => {
        if (this.decidedBy[cell] !== length) return;
        const off = this.prediction[cell]! - this.goal[cell]!;
        const then = shorter - this.goal[cell]!;
        loss += this.space.cellCount[cell]! * (then * then - off * off);
      });
    }
    return loss;
  }

  private fallback(symbols: readonly number[]): number {
    const own = this.decided(symbols);
    if (own !== NONE) return own;
    return symbols.length > 1 ? this.fallback(symbols.slice(1)) : 0;
  }

  /** The strength that would fit best if all that these rules decide had one, or `null` where they decide nothing. */
  commonStrength(rules: readonly DraftRule[]): number | null {
    let count = 0;
    let sum = 0;
    for (const { slots } of rules) {
      this.eachDecided(slots, (cell) => {
        count += this.space.cellCount[cell]!;
        sum += this.space.cellCount[cell]! * this.target[cell]!;
      });
    }
    return count > 0 ? Math.min(STRONGEST, Math.round(sum / count)) : null;
  }

  /** How much nearer the target these atoms, decided by rules of this length, would be with another strength: squared error. */
  gainFromChange(slots: readonly (readonly number[])[], strength: number): number {
    let gain = 0;
    this.eachDecided(slots, (cell) => {
      const off = this.prediction[cell]! - this.target[cell]!;
      const then = strength - this.target[cell]!;
      gain += this.space.cellCount[cell]! * (off * off - then * then);
    });
    return gain;
  }
}

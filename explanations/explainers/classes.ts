import type { Rule } from '../explanation.js';
import { buildCells, type CellSpace } from '../induce/cells.js';
import { type ActivationsByLatent, byLatent } from '../induce/evidence.js';
import { indexNgrams } from '../induce/ngrams.js';
import type { TokenSet } from '../program/syntax.js';
import { CLASS_NAMES, type ClassName, inClass } from '../tokens/classes.js';
import type { ExplainerEvidence } from './explainer.js';

/** A rule whose slots may name classes; oldest first, the current token last. */
export interface ClassedRule {
  readonly slots: readonly TokenSet[];
  readonly strength: number;
}

/**
 * Rules of which the longest match decides, in an order in which the first match does: longer ones overrule the others. Among
 * those of one length, which never clash, the strongest comes first.
 */
export const longestFirst = (rules: readonly Rule[]): Rule[] =>
  rules.toSorted((a, b) => b.tokens.length - a.tokens.length || b.strength - a.strength);

/** Strength that stands for the largest activation seen. */
const STRONGEST = 9;

/** Tokens of a slot that a class must stand for, at least: with fewer it would save nothing. */
const FEWEST = 2;

/** What may stand in one place: tokens by their symbols, those of a class, or anything, no token at all included. */
interface Slot {
  readonly literal: ReadonlySet<number>;
  readonly named: ClassName | null;
  readonly free: boolean;
}
const FREE: Slot = { literal: new Set(), named: null, free: true };

/** Places from the current token backwards, as cells name them: `[last, previous, oldest]`. */
type Places = readonly [Slot, Slot, Slot];
type At = 0 | 1 | 2;

interface Placed {
  readonly places: Places;
  readonly strength: number;
}

/**
 * Puts classes that every table and program knows in the place of tokens that rules list, wherever the rules fit the evidence
 * no worse by it: `any token` for twelve that were seen, `a token whose first letter alone is a capital` for eight names. An
 * explanation gets shorter, and speaks of tokens too that were never seen. A place that may hold anything is left out.
 *
 * What is measured is the squared error of the ratings over all positions, of each latent by itself.
 */
export class ClassMerger {
  readonly #space: CellSpace;
  readonly #sparse: ActivationsByLatent;
  readonly #scale: Float32Array;
  /** `[cell]`: the sum of the latent at hand over its positions, in strengths. */
  readonly #sum: Float64Array;
  readonly #symbolOf: ReadonlyMap<string, number>;
  /** `[symbol]`: 1 where it is in the class; what stands before the start of a context is in none. */
  readonly #members: ReadonlyMap<ClassName, Uint8Array>;

  constructor({ contexts, activations, latentScale }: ExplainerEvidence) {
    const index = indexNgrams(contexts, 3);
    this.#space = buildCells(index);
    this.#symbolOf = index.symbolOf;
    this.#sparse = byLatent(activations);
    this.#scale = latentScale;
    this.#sum = new Float64Array(this.#space.cellCount.length);
    this.#members = new Map(
      CLASS_NAMES.map((name) => {
        const members = new Uint8Array(index.symbols.length + 1);
        for (const [symbol, token] of index.symbols.entries()) members[symbol] = inClass(name, token) ? 1 : 0;
        return [name, members];
      }),
    );
  }

  /**
   * @param rules in the order in which they decide: the first that matches
   * @returns as many, in the same order
   */
  merge(latent: number, rules: readonly Rule[]): ClassedRule[] {
    const cells = this.#fill(latent);
    const placed = rules.map((rule) => this.#placed(rule));
    for (const [at, { tokens }] of rules.entries()) {
      for (let place = tokens.length - 1; place >= 0; place--) this.#widen(placed, at, place as At);
    }
    for (const cell of cells) this.#sum[cell] = 0;
    return placed.map((rule, at) => ({ slots: this.#named(rule.places, rules[at]!.tokens), strength: rule.strength }));
  }

  /** @returns the cells that were filled */
  #fill(latent: number): ReadonlySet<number> {
    const { starts, positions, values } = this.#sparse;
    const cells = new Set<number>();
    for (let i = starts[latent]!; i < starts[latent + 1]!; i++) {
      const cell = this.#space.cellAt[positions[i]!]!;
      this.#sum[cell]! += (STRONGEST * values[i]!) / this.#scale[latent]!;
      cells.add(cell);
    }
    return cells;
  }

  #placed({ tokens, strength }: Rule): Placed {
    const slot = (back: number): Slot => {
      const listed = tokens.at(-1 - back);
      if (listed === undefined) return FREE;
      // Tokens that the evidence does not have match none of its cells, and are still named.
      const literal = new Set(listed.flatMap((token) => this.#symbolOf.get(token) ?? []));
      return { literal, named: null, free: false };
    };
    return { places: [slot(0), slot(1), slot(2)], strength };
  }

  /** Tries what stands for more in one place, for the most tokens first, and keeps the first that errs no more. */
  #widen(rules: Placed[], at: number, place: At): void {
    const rule = rules[at]!;
    const slot = rule.places[place];
    const isOutermost = place > 0 && (place === 2 || rule.places[2].free);
    const standsFor = (name: ClassName): number =>
      [...slot.literal].filter((symbol) => this.#members.get(name)![symbol] === 1).length;
    const named = CLASS_NAMES.map((name) => ({ name, tokens: standsFor(name) }))
      .filter(({ tokens }) => tokens >= FEWEST)
      .sort((a, b) => b.tokens - a.tokens);
    const wider = [...(isOutermost ? [FREE] : []), ...named.map(({ name }): Slot => ({ ...slot, named: name }))];
    for (const each of wider) {
      const places = rule.places.with(place, each);
      const changed: Placed = { ...rule, places: [places[0]!, places[1]!, places[2]!] };
      if (this.#costs(rules, at, changed, place) > 0) continue;
      rules[at] = changed;
      return;
    }
  }

  /** By how much the error grows when rule `at` becomes `changed`, which matches more in one place. */
  #costs(rules: readonly Placed[], at: number, changed: Placed, place: At): number {
    const { pairStart, pairPrevious, cellStart, cellOldest, cellCount, symbols } = this.#space;
    const before = rules[at]!.places;
    const isNew = (where: At, symbol: number): boolean =>
      this.#has(changed.places[where], symbol) && (where !== place || !this.#has(before[where], symbol));
    const last = changed.places[0];
    let costs = 0;
    for (const z of place === 0 || last.named !== null ? symbols.keys() : last.literal) {
      if (!isNew(0, z)) continue;
      // The rule does not match these cells yet, so whatever else matches first is what was said.
      const others = [...rules.entries()].filter(([i, { places }]) => i !== at && this.#has(places[0], z));
      for (let pair = pairStart[z]!; pair < pairStart[z + 1]!; pair++) {
        const previous = pairPrevious[pair]!;
        if (!isNew(1, previous)) continue;
        for (let cell = cellStart[pair]!; cell < cellStart[pair + 1]!; cell++) {
          const oldest = cellOldest[cell]!;
          if (!isNew(2, oldest)) continue;
          const said = others.find(([, { places }]) => this.#has(places[1], previous) && this.#has(places[2], oldest));
          if (said !== undefined && said[0] < at) continue;
          const rating = said?.[1].strength ?? 0;
          const mean = this.#sum[cell]! / cellCount[cell]!;
          costs += cellCount[cell]! * ((changed.strength - mean) ** 2 - (rating - mean) ** 2);
        }
      }
    }
    return costs;
  }

  #has({ literal, named, free }: Slot, symbol: number): boolean {
    return free || literal.has(symbol) || (named !== null && this.#members.get(named)![symbol] === 1);
  }

  /** Places as a table or a program names them; listed tokens that are in the class need no name of their own. */
  #named(places: Places, tokens: Rule['tokens']): TokenSet[] {
    return tokens.flatMap((listed, i): TokenSet[] => {
      const { named, free } = places[(tokens.length - 1 - i) as At];
      if (free) return [];
      if (named === null) return [listed];
      return [[{ class: named }, ...listed.filter((token) => !inClass(named, token))]];
    });
  }
}

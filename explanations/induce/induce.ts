import type { PatternExplanation, Provenance, Rule } from '../explanation.js';
import type { Longest } from './candidates.js';
import { buildCells, type CellSpace } from './cells.js';
import { type ActivationsByLatent, byLatent, checkEvidence, type Evidence } from './evidence.js';
import { type Directions, JointError } from './joint.js';
import { indexNgrams } from './ngrams.js';
import { type DraftRule, RuleFit, STEPS_PER_RATING, STRONGEST } from './rule-fit.js';
import { RuleSearch, type Sharing } from './search.js';
import { ContextSums, chooseShrinkage, type Shrinkage } from './shrinkage.js';

export interface RuleOptions extends Evidence {
  /** Size limit of each latent's rules: one for each alternative of each slot, and one for each strength that is stated. */
  readonly maxTokens: number;
  /** `[latent]`: largest observed activation, which a strength of 9 stands for. Latents with 0 get no rules. */
  readonly latentScale: Float32Array;
  readonly seed: string | number;
  /** What latents write; where it is known, rules are chosen by what they bring beside those of other latents. */
  readonly directions?: Directions | null;
  /** Tokens that a rule may look at; default 3. */
  readonly longest?: Longest;
  /** Which rules state a strength together; default `all`. */
  readonly sharing?: Sharing;
  /** Called after each latent. */
  readonly onLatent?: (done: number, total: number) => void;
}

export interface InduceOptions extends Omit<RuleOptions, 'longest' | 'sharing'> {
  readonly hookpoint: string;
  readonly provenance?: Omit<Provenance, 'by'>;
}

/** What is said of one latent; those rules first without which the most would be lost. */
export interface LatentRules {
  readonly latent: number;
  readonly rules: readonly Rule[];
}

// Last tokens that together hold less than this share of a latent's energy are left alone.
const NEGLIGIBLE_ENERGY = 0.005;
const MOST_LASTS = 200;

/**
 * Finds rules on the last one to three tokens for every latent that fires, fitted to training text; in order of latents.
 *
 * 1. Each distinct three-token ending gets a target: the latent's mean activation there, drawn towards the mean of the
 *    two-token ending, that towards the one-token ending's; how far is chosen on held-out evidence (`Shrinkage`).
 * 2. Rules are searched that predict the targets with the least squared error over all positions, at most `maxTokens` long. The longest match decides, so a rule is worth what it
 *    changes where no longer rule speaks; alternatives in a slot cost one token each, so a rule grows sets of them;
 *    strengths are multiples of one half, and shared ones are paid once.
 * 3. Where directions are known, all are searched once more, one latent after the other, by the error that the component's
 *    output has with what is now said of all the others. Latents overlap, and what several would say in part need be said
 *    by one only. Strengths still are those of the latent itself: rules that made up for others by saying what their own
 *    latent does not do would explain nothing.
 *
 * Deterministic. About a tenth of a second a latent at 64 tokens, twice that with directions.
 */
export function* induceRules(options: RuleOptions): Generator<LatentRules> {
  checkEvidence(options);
  const { contexts, activations, maxTokens, latentScale, seed, onLatent, directions } = options;
  const limits = { maxTokens, longest: options.longest ?? 3, sharing: options.sharing ?? 'all' };
  const space = buildCells(indexNgrams(contexts, 3));
  const shrinkage = chooseShrinkage(space, options, seed);
  const sparse = byLatent(activations);
  const sums = new ContextSums(space);
  const fit = new RuleFit(space);

  /** Fills the targets of a latent. @returns its last tokens and the error of predicting 0 everywhere; `null` if it is silent */
  const aimAt = (latent: number): { readonly lasts: readonly number[]; readonly energy: number } | null => {
    const scale = latentScale[latent]!;
    const lasts = lastTokens(space, sparse, latent);
    if (!(scale > 0) || lasts.length === 0) return null;
    for (let i = sparse.starts[latent]!; i < sparse.starts[latent + 1]!; i++) {
      const position = sparse.positions[i]!;
      sums.add(space.cellAt[position]!, (STRONGEST * sparse.values[i]!) / scale);
    }
    const energy = setTargets(fit, sums, lasts, shrinkage);
    sums.clear();
    return { lasts, energy };
  };

  const joint = directions == null ? null : new JointError(space, directions);
  const passes = joint === null ? 1 : 2;
  /** What the first of two passes found. */
  const alone = new Map<number, readonly DraftRule[]>();
  for (let pass = 1; pass <= passes; pass++) {
    for (let latent = 0; latent < activations.latents; latent++) {
      const aim = aimAt(latent);
      if (aim !== null) {
        const { lasts, energy } = aim;
        const said = { latent, lasts, unit: latentScale[latent]! / STRONGEST };
        const before = alone.get(latent);
        if (joint !== null && before !== undefined) {
          fit.begin(lasts);
          fit.rebuild(before);
          addErrors(joint, fit, said, -1);
          const own = joint.of(latent);
          eachCell(space, lasts, (cell) => {
            fit.goal[cell] = fit.target[cell]! + own.correction(cell) / said.unit;
          });
        }
        fit.begin(lasts);
        const drafts = new RuleSearch(fit, lasts, energy, limits).run();
        if (joint !== null) addErrors(joint, fit, said);
        if (pass === passes) yield { latent, rules: drafts.map((draft) => readable(draft, space)) };
        else alone.set(latent, drafts);
      }
      onLatent?.(Math.floor(((pass - 1) * activations.latents + latent + 1) / passes), activations.latents);
    }
  }
}

/** A latent on which `fit` stands, and its activation at one step of strength. */
interface Said {
  readonly latent: number;
  readonly lasts: readonly number[];
  readonly unit: number;
}

/** Adds to the joint error what a latent's rules get wrong; with `sign` -1, takes it out. */
function addErrors(joint: JointError, fit: RuleFit, { latent, lasts, unit }: Said, sign = 1): void {
  const own = joint.of(latent);
  eachCell(fit.space, lasts, (cell) => {
    own.add(cell, sign * unit * (fit.predicted(cell) - fit.target[cell]!));
  });
}

/** Calls for each cell that ends in one of these tokens. */
function eachCell({ pairStart, cellStart }: CellSpace, lasts: readonly number[], visit: (cell: number) => void): void {
  for (const last of lasts) {
    for (let cell = cellStart[pairStart[last]!]!; cell < cellStart[pairStart[last + 1]!]!; cell++) visit(cell);
  }
}

/** Explains every latent that fires by a pattern of `induceRules`, in order of latents; strongest rules first. */
export function inducePatterns({ hookpoint, provenance, ...options }: InduceOptions): PatternExplanation[] {
  return Array.from(induceRules(options), ({ latent, rules }) => ({
    hookpoint,
    latent,
    style: 'pattern',
    rules: rules.toSorted((a, b) => b.strength - a.strength || a.tokens.length - b.tokens.length),
    provenance: { by: 'induce-pattern', ...provenance },
  }));
}

/** Last tokens at which the latent fires, most energy first, without the negligible tail. */
function lastTokens(space: CellSpace, { starts, positions, values }: ActivationsByLatent, latent: number): number[] {
  const energies = new Map<number, number>();
  let total = 0;
  for (let i = starts[latent]!; i < starts[latent + 1]!; i++) {
    const last = space.pairLast[space.cellPair[space.cellAt[positions[i]!]!]!]!;
    const energy = values[i]! ** 2;
    energies.set(last, (energies.get(last) ?? 0) + energy);
    total += energy;
  }
  const sorted = [...energies].sort(([a, x], [b, y]) => y - x || a - b).slice(0, MOST_LASTS);
  let left = total;
  return sorted
    .filter(([, energy]) => {
      const needed = left > NEGLIGIBLE_ENERGY * total;
      left -= energy;
      return needed;
    })
    .map(([last]) => last);
}

/** Fills `fit.target`, and `fit.goal` with the same, with the shrunk means, in steps of strength. @returns the error of predicting 0 everywhere */
function setTargets(fit: RuleFit, sums: ContextSums, lasts: readonly number[], shrinkage: Shrinkage): number {
  const { space, target, goal } = fit;
  let energy = 0;
  for (const last of lasts) {
    const lastMean = sums.last[last]! / (space.lastCount[last]! + shrinkage.last);
    for (let pair = space.pairStart[last]!; pair < space.pairStart[last + 1]!; pair++) {
      const pairMean = (sums.pair[pair]! + shrinkage.pair * lastMean) / (space.pairCount[pair]! + shrinkage.pair);
      for (let cell = space.cellStart[pair]!; cell < space.cellStart[pair + 1]!; cell++) {
        const count = space.cellCount[cell]!;
        const mean = (sums.cell[cell]! + shrinkage.cell * pairMean) / (count + shrinkage.cell);
        target[cell] = mean;
        goal[cell] = mean;
        energy += count * mean * mean;
      }
    }
  }
  return energy;
}

/** A rule with surface forms, alternatives of a slot in alphabetical order. */
function readable({ slots, strength }: DraftRule, { symbols }: CellSpace): Rule {
  return {
    tokens: slots.map((slot) => slot.map((symbol) => symbols[symbol]!).sort()),
    strength: strength / STEPS_PER_RATING,
  };
}

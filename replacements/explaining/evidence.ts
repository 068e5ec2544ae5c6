import { seededRandom } from '../../harness/index.js';
import type { EvidenceExample, LatentExamples } from '../evidence/index.js';
import { type ScoredExample, scoredExample } from '../judges/index.js';

/** Examples of one latent in four parts, of which none shares a window with another. */
export interface LatentEvidence {
  readonly hookpoint: string;
  readonly latent: number;
  /** Largest observed activation, which a strength of 9 stands for. */
  readonly scale: number;
  /** Shown to whoever writes. */
  readonly toExplain: readonly EvidenceExample[];
  /** Where an explanation's mistakes are looked for, to be shown to whoever refines it. */
  readonly toMend: readonly ScoredExample[];
  /** Never shown: decides which of two explanations is better. */
  readonly toDecide: readonly ScoredExample[];
  /** Never shown and decides nothing: what a score that is told with an explanation is measured on. */
  readonly toScore: readonly ScoredExample[];
}

/** Shares of the examples of each kind, in the order of the parts; they need not sum to 1. */
export interface EvidenceShares {
  readonly explain: number;
  readonly mend: number;
  readonly decide: number;
  readonly score: number;
}
export const EVIDENCE_SHARES: EvidenceShares = { explain: 0.3, mend: 0.2, decide: 0.25, score: 0.25 };

/** How many of so many examples of one kind each part gets. */
export const partSizes = (count: number, shares: readonly number[]): number[] =>
  dealt([...Array(count).keys()], shares).map(({ length }) => length);

/** Deals items out so that every stretch of them is divided by the shares, as nearly as can be. */
function dealt<T>(items: readonly T[], shares: readonly number[]): T[][] {
  const total = shares.reduce((sum, share) => sum + share, 0);
  const parts = shares.map((): T[] => []);
  for (const [at, item] of items.entries()) {
    const due = parts.map((part, i) => ((at + 1) * shares[i]!) / total - part.length);
    parts[due.indexOf(Math.max(...due))]!.push(item);
  }
  return parts;
}

/**
 * Divides the examples of a latent into parts, each kind and each decile by the same shares. The strongest are all there to
 * explain by: nobody would score by them.
 * @param scale the latent's largest observed activation; default: the largest of the examples
 */
export function splitEvidence(
  { latent, top, deciles, random, neighbours, nearMisses }: LatentExamples,
  {
    hookpoint,
    scale,
    seed,
    shares = EVIDENCE_SHARES,
  }: {
    readonly hookpoint: string;
    readonly scale?: number;
    readonly seed: string | number;
    readonly shares?: EvidenceShares;
  },
): LatentEvidence {
  const order = seededRandom(`${seed}/split/${latent}`);
  const firing = deciles.flatMap(({ examples }, i) => order.fork(`decile ${i + 1}`).shuffle(examples));
  const kinds: readonly (readonly EvidenceExample[])[] = [
    firing,
    order.fork('near misses').shuffle(nearMisses.examples),
    order.fork('neighbours').shuffle(neighbours.examples),
    order.fork('random').shuffle(random.examples),
  ];
  const byShare = [shares.explain, shares.mend, shares.decide, shares.score];
  const parts = kinds.map((examples) => dealt(examples, byShare));
  const part = (which: number): EvidenceExample[] => parts.flatMap((kind) => kind[which]!);
  const held = (which: number): ScoredExample[] => part(which).map(scoredExample);
  const largest = [...top.examples, ...firing].reduce((most, { activations }) => Math.max(most, ...activations), 0);
  return {
    hookpoint,
    latent,
    scale: scale ?? largest,
    toExplain: [...top.examples, ...part(0)],
    toMend: held(1),
    toDecide: held(2),
    toScore: held(3),
  };
}

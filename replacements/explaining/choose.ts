import type { EvidenceExample, FiringExample } from '../evidence/index.js';
import type { WrittenStyle } from './forms/form.js';

/** Which examples a writer is shown, and how many at most. */
export interface ShownPlan {
  /** `top`: where the latent fires most. `quantiles`: from all deciles alike, so that weak firing is seen too. */
  readonly sampling: 'top' | 'quantiles';
  readonly firing: number;
  /** Silent where a similar latent fires, or around a token on which the latent often fires. */
  readonly hard: number;
  /** Silent, from anywhere. */
  readonly random: number;
}

/** What each style needs to be written: a contrast needs what looks alike, strengths need weak examples. */
export const SHOWN_PLANS: Readonly<Record<WrittenStyle, ShownPlan>> = {
  sentence: { sampling: 'quantiles', firing: 20, hard: 0, random: 0 },
  contrastive: { sampling: 'quantiles', firing: 12, hard: 12, random: 0 },
  clauses: { sampling: 'quantiles', firing: 20, hard: 0, random: 0 },
  graded: { sampling: 'quantiles', firing: 20, hard: 0, random: 4 },
};

const peak = ({ activations }: FiringExample): number => Math.max(...activations);

/** One of each decile in turn, from the strongest on. */
function byDeciles(examples: readonly FiringExample[]): FiringExample[] {
  const queues = Array.from({ length: 10 }, (_, i) => examples.filter(({ decile }) => decile === 10 - i));
  const longest = Math.max(...queues.map((queue) => queue.length));
  return Array.from({ length: longest }, (_, turn) => queues.flatMap((queue) => queue.slice(turn, turn + 1))).flat();
}

/** The examples that are shown, those where the latent fires first and strongest first. Fewer where there are no more. */
export function chooseShown(
  examples: readonly EvidenceExample[],
  { sampling, firing, hard, random }: ShownPlan,
): EvidenceExample[] {
  const active = examples.filter((example) => example.kind === 'firing');
  const strongest = (some: readonly FiringExample[]): FiringExample[] => [...some].sort((a, b) => peak(b) - peak(a));
  const chosen = sampling === 'top' ? strongest(active) : byDeciles(active);
  const neighbours = examples.filter(({ kind }) => kind === 'neighbour');
  const nearMisses = examples.filter(({ kind }) => kind === 'near-miss');
  // Half of each, and where one kind runs out, more of the other.
  const alike = neighbours.slice(0, Math.max(Math.ceil(hard / 2), hard - nearMisses.length));
  return [
    ...strongest(chosen.slice(0, firing)),
    ...alike,
    ...nearMisses.slice(0, hard - alike.length),
    ...examples.filter(({ kind }) => kind === 'random').slice(0, random),
  ];
}

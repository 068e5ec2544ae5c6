import type { Provenance } from '../../../explanations/index.js';
import type { ComparedRound, RefineRound } from './round.js';

const shownScore = (score: number): string => score.toFixed(3);

function describeRound(round: RefineRound): string {
  switch (round.kind) {
    case 'kept':
    case 'rejected':
      return `${round.kind} ${shownScore(round.from)} -> ${shownScore(round.to)}`;
    case 'missing':
      return `no answer (${round.why})`;
    case 'unchanged':
    case 'undecided':
      return round.kind;
  }
}

/** A provenance that also says what was tried and what it brought. */
export function refinedProvenance(provenance: Provenance, judge: string, rounds: readonly RefineRound[]): Provenance {
  const decided = rounds.filter((round): round is ComparedRound => 'from' in round);
  const [first] = decided;
  const last = decided.at(-1);
  const before = first && { 'held-out detection before refining': first.from };
  const after = last && { 'held-out detection after refining': last.kind === 'kept' ? last.to : last.from };
  const note = `refined by the mistakes of ${judge}: ${rounds.map(describeRound).join(', ') || 'it made none'}`;
  const scores = { ...provenance.scores, ...before, ...after };
  return {
    ...provenance,
    ...(Object.keys(scores).length === 0 ? {} : { scores }),
    note: provenance.note === undefined ? note : `${provenance.note}; ${note}`,
  };
}

import type { CheckedEntry, PlantedCheck, Proportion } from '../../../eval/index.js';
import { plainTable } from '../../table.js';

const ABSENT = '–';
/** Of the suspects among explanations as they are, how many are named; all are in the file. */
const NAMED = 10;

const fixed = (value: number | null): string => (value === null ? ABSENT : value.toFixed(2));

function cell({ share, ci }: Proportion): string {
  return share === null || ci === null ? ABSENT : `${fixed(share)} [${ci.map(fixed).join(', ')}]`;
}

function entryText(
  { hookpoint, entry, latents, kinds, recall, precision, reachesGoal, suspects }: CheckedEntry,
  goal: number,
) {
  const rows = kinds.map(({ kind, recall: own, cost, withoutEffect }) => [
    kind,
    String(own.of),
    cell(own),
    fixed(cost.found),
    fixed(cost.missed),
    String(withoutEffect),
  ]);
  const all = ['all', String(recall.of), cell(recall), '', '', ''];
  const header = ['error', 'planted', 'found', 'cost of those found', 'of those missed', 'without effect'];
  const worst = suspects.slice(0, NAMED).map(({ latent }) => latent);
  return [
    `${entry} at ${hookpoint}: ${latents.judged} latents of ${latents.explained} that are explained`,
    plainTable([header, ...rows, all], 'lrrrrr'),
    `Of ${precision.of} suspects ${precision.count} had been planted: precision ${cell(precision)}. ` +
      `${reachesGoal ? 'Recall and precision reach' : 'Recall and precision do not both reach'} ${goal}.`,
    suspects.length === 0
      ? 'With nothing planted, no explanation is suspect.'
      : `With nothing planted, ${suspects.length} are suspect: ${worst.join(', ')}${suspects.length > NAMED ? ', …' : ''}.`,
  ].join('\n');
}

/** What was found, as text. */
export function checkText({ entries, draws, share, text, goal }: PlantedCheck): string {
  return [
    `Errors planted ${draws} times in ${(100 * share).toFixed(0)} % of the explanations, judged on ${text.tokens.toLocaleString('en-US')} tokens of ${text.part} text`,
    ...entries.map((entry) => entryText(entry, goal)),
    'Shares with 95 % intervals. Cost: what an error adds to the share of its latent’s squared activation that is left\nunexplained, a median. docs/scores.md says how suspects are told.',
  ].join('\n\n');
}

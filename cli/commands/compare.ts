import { basename, resolve } from 'node:path';
import {
  type AcrossResults,
  compareResults,
  fullArmsOf,
  type Measure,
  type ResultToCompare,
  readPositions,
  readSummary,
  type Share,
  type Summary,
} from '../../eval/index.js';
import { UsageError } from '../../harness/index.js';
import { parseArguments } from '../arguments.js';
import { type Command, EXIT } from '../io.js';
import { plainTable } from '../table.js';

const usage = 'partial-rewrite compare <run> <run>… [--unpaired]';
const ABSENT = '–';

const points = (share: number): string => (100 * share).toFixed(1);

function shareCell(share: Share | undefined): string {
  if (share === undefined || share.mean === null) return ABSENT;
  return `${points(share.mean)} [${share.ci.map(points).join(', ')}]`;
}

function lossCell(loss: Measure | undefined): string {
  return loss === undefined || loss.mean === null ? ABSENT : loss.mean.toFixed(3);
}

/** Arms side by side, matched by id, in the order of the first run that has them. */
export function compareSummaries(runs: readonly { readonly name: string; readonly summary: Summary }[]): string {
  const ids = [...new Set(runs.flatMap(({ summary }) => summary.arms.map(({ id }) => id)))];
  const header = ['arm', ...runs.flatMap(({ name }) => [`${name}: ΔCE`, 'kept %'])];
  const rows = ids.map((id) => [
    id,
    ...runs.flatMap(({ summary }) => {
      const arm = summary.arms.find((each) => each.id === id);
      return [lossCell(arm?.deltaCe), shareCell(arm?.recovered)];
    }),
  ]);
  return [
    ...runs.map(
      ({ name, summary: { model, hookpoint, protocol, contexts, positions, partial } }) =>
        `${name}: ${model} ${hookpoint}, protocol ${protocol}, ${contexts} contexts, ${positions} positions${partial ? ' (partial)' : ''}`,
    ),
    '',
    plainTable([header, ...rows], `l${'rr'.repeat(runs.length)}`),
    '',
    'ΔCE: nats/token. Kept: share of the gap between zero-output and coder, with its 95 % interval.',
  ].join('\n');
}

const signed = (value: number): string => `${value > 0 ? '+' : ''}${value.toFixed(3)}`;

/** Full rewrites of different runs, paired by position. */
export function describeAcross({ contexts, comparisons }: AcrossResults): string {
  if (comparisons.length === 0) return 'No two runs rewrite every explained latent under one calibration.';
  const rows = comparisons.map(({ arm, against, deltaCe, pAdjusted }) => [
    `${arm.run}: ${arm.id}`,
    `${against.run}: ${against.id}`,
    `${signed(deltaCe.mean)} [${deltaCe.ci.map(signed).join(', ')}]`,
    pAdjusted < 0.001 ? '<0.001' : pAdjusted.toFixed(3),
  ]);
  return [
    `Paired by position, ${contexts} contexts:`,
    plainTable([['arm', 'against', 'difference of CE [95 %]', 'p'], ...rows], 'llrr'),
    '',
    `Difference: nats/token, negative where the first loses less. p: adjusted for ${comparisons.length} comparison${comparisons.length === 1 ? '' : 's'}.`,
  ].join('\n');
}

export const compare: Command = {
  usage,
  summary: 'lay the arms of several results side by side, and compare their explanations position by position',
  async run(args, io) {
    const { positionals, values } = parseArguments(
      args,
      { unpaired: { type: 'boolean' } },
      ['result folder', 'second result folder…'],
      usage,
    );
    const names = positionals.map((folder) => basename(resolve(folder)));
    const areDistinct = new Set(names).size === names.length;
    const twice = positionals.find(
      (folder, i) => positionals.findIndex((each) => resolve(each) === resolve(folder)) < i,
    );
    if (twice !== undefined) {
      throw new UsageError(
        'RESULT_TWICE',
        `${twice} is given twice, and a result cannot differ from itself.`,
        'Name two results; `report` shows the entries of one side by side.',
      );
    }
    const runs: { name: string; folder: string; summary: Summary }[] = [];
    for (const [index, folder] of positionals.entries()) {
      runs.push({ name: areDistinct ? names[index]! : folder, folder, summary: await readSummary(folder) });
    }
    const protocols = new Set(runs.map(({ summary }) => summary.protocol));
    if (protocols.size > 1) {
      throw new UsageError(
        'NOT_COMPARABLE',
        'One of the runs scores the last position of each context, another every one.',
        'Compare runs of one protocol.',
      );
    }
    if (values.unpaired === true) {
      io.print(compareSummaries(runs));
      return EXIT.done;
    }
    const measured: ResultToCompare[] = [];
    for (const { folder, ...run } of runs) {
      const arms = ['original', ...fullArmsOf(run.summary).map(({ id }) => id)];
      measured.push({ ...run, positions: await readPositions(folder, arms) });
    }
    const across = compareResults(measured);
    io.print(`${compareSummaries(runs)}\n\n${describeAcross(across)}`);
    return EXIT.done;
  },
};

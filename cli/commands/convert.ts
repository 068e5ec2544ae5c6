import {
  describeAltered,
  describeLoss,
  explanationFormats,
  listUnmatched,
  readExplanationFile,
  writeExplanationFile,
} from '../../explanations/index.js';
import { UsageError } from '../../harness/index.js';
import { parseArguments, requireFlag } from '../arguments.js';
import { type Command, EXIT } from '../io.js';

const usage =
  'partial-rewrite convert <explanations> --to <format> --out <path> [--from <format>] [--hookpoint <id>] [--model <name>]';

/** Entries that are named one by one, at most. */
const LISTED = 1000;

export const convert: Command = {
  usage,
  summary: `read explanations of one format and write them in another: ${explanationFormats.join(', ')}`,
  async run(args, io) {
    const options = {
      to: { type: 'string' },
      out: { type: 'string' },
      from: { type: 'string' },
      hookpoint: { type: 'string' },
      model: { type: 'string' },
    } as const;
    const { values, positionals } = parseArguments(args, options, ['explanations file or folder'], usage);
    const to = requireFlag(values.to, 'to', usage);
    const out = requireFlag(values.out, 'out', usage);
    if (!explanationFormats.includes(to)) {
      throw new UsageError(
        'EXPLANATION_FORMAT',
        `There is no format of explanations ${JSON.stringify(to.slice(0, 60))}.`,
        `There are ${explanationFormats.join(', ')}.`,
      );
    }
    const { hookpoint, from } = values;
    const read = await readExplanationFile(positionals[0]!, { hookpoint, format: from });
    const left = listUnmatched(read.unmatched);
    for (const line of left.slice(0, LISTED)) io.note(`Left out as ${line}`);
    if (left.length > LISTED) io.note(`and ${left.length - LISTED} more are left out.`);
    for (const line of [...describeAltered(read.altered), ...describeLoss(to, read.explanations)]) io.note(line);
    await writeExplanationFile(out, to, read.explanations, { model: values.model });
    const without = left.length === 0 ? '' : `; ${left.length} left out`;
    io.note(`${read.explanations.length} explanations read as ${read.format}, written as ${to}${without}.`);
    io.print(out);
    return EXIT.done;
  },
};

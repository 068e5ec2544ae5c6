import { parseArguments } from '../arguments.js';
import { writeReport } from '../experiment/report.js';
import { type Command, EXIT } from '../io.js';

const usage = 'partial-rewrite report <run>';

export const report: Command = {
  usage,
  summary: 'draw report.html and figure.svg of a result folder again',
  async run(args, io) {
    const { positionals } = parseArguments(args, {}, ['result folder'], usage);
    io.print(await writeReport(positionals[0]!));
    return EXIT.done;
  },
};

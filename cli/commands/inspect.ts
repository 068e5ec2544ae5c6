import { type Inspection, inspectModel } from '../../harness/index.js';
import { parseArguments } from '../arguments.js';
import { type Command, EXIT } from '../io.js';
import { plainTable } from '../table.js';

const usage = 'partial-rewrite inspect <model> [--json]';

function describe({ model, architecture, layers, hookpoints }: Inspection): string {
  const rows = hookpoints.map(({ id, reads, writes, width, rejoined, silenced }) => [
    id,
    String(width),
    rejoined.toExponential(1),
    silenced.toPrecision(3),
    reads,
    writes,
  ]);
  return [
    `${model} (${architecture}, ${layers} layers)`,
    plainTable([['hookpoint', 'width', 'rejoined', 'silenced', 'reads', 'writes'], ...rows], 'lrrrll'),
    'Rejoined, silenced: largest change of a logit with the component put back, and with zeros in its place.',
  ].join('\n');
}

export const inspect: Command = {
  usage,
  summary: "list a model's hookpoints, what they read and write, and whether cutting there is exact",
  async run(args, io) {
    const options = { json: { type: 'boolean', default: false } } as const;
    const { values, positionals } = parseArguments(args, options, ['model folder'], usage);
    let bar: ReturnType<typeof io.progress> | null = null;
    const inspection = await inspectModel(positionals[0]!, {}, (done, all) => {
      io.signal.throwIfAborted();
      bar ??= io.progress('Cutting', all, 'hookpoints');
      bar.at(done);
    });
    io.print(values.json ? JSON.stringify(inspection, null, 2) : describe(inspection));
    return EXIT.done;
  },
};

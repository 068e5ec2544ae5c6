import { join } from 'node:path';
import { UsageError } from '../../harness/index.js';
import { parseArguments, wholeFlag } from '../arguments.js';
import { cacheFolder } from '../experiment/cache.js';
import { readExperiment } from '../experiment/file.js';
import { type CheckChoice, checkExperiment } from '../experiment/self-check/check.js';
import { checkText } from '../experiment/self-check/describe.js';
import { type Command, EXIT } from '../io.js';

const usage =
  'partial-rewrite self-check <experiment.yaml> [--share 0.1] [--draws 10] [--entry <name>]… [--explanations <file>] ' +
  '[--latents 1000] [--text calibration|evaluation] [--seed <n>] [--out <folder>]';

const options = {
  share: { type: 'string' },
  draws: { type: 'string' },
  entry: { type: 'string', multiple: true },
  explanations: { type: 'string' },
  latents: { type: 'string' },
  text: { type: 'string' },
  seed: { type: 'string' },
  out: { type: 'string' },
} as const;

type Flags = ReturnType<typeof parseArguments<typeof options>>['values'];

const bad = (found: string) => new UsageError('BAD_ARGUMENTS', found, `Usage: ${usage}`);

function shareOf(text = '0.1'): number {
  const share = Number(text);
  if (text.trim() !== '' && share > 0 && share < 0.5) return share;
  throw bad(`--share is ${text}, not a share above 0 and below 0.5: most explanations must stay as they are.`);
}

function partOf(text = 'calibration'): CheckChoice['part'] {
  if (text === 'calibration' || text === 'evaluation') return text;
  throw bad(`--text is ${text}, not calibration or evaluation.`);
}

function choiceOf(flags: Flags): CheckChoice {
  return {
    entries: flags.entry ?? [],
    explanations: flags.explanations,
    part: partOf(flags.text),
    share: shareOf(flags.share),
    draws: wholeFlag(flags.draws, 'draws', { least: 1, fallback: 10, usage }),
    latents: wholeFlag(flags.latents, 'latents', { least: 1, fallback: 1000, usage }),
    seed: wholeFlag(flags.seed, 'seed', { least: 0, fallback: undefined, usage }),
  };
}

export const selfCheck: Command = {
  usage,
  summary:
    'plant errors in explanations that can be run, and count how many are found by what they cost; names what is suspect as it is',
  async run(args, io) {
    const { values, positionals } = parseArguments(args, options, ['experiment file'], usage);
    const choice = choiceOf(values);
    const experiment = await readExperiment(positionals[0]!);
    const out = values.out ?? join('results', experiment.name);
    const found = await checkExperiment(experiment, choice, { ...io, out, cache: cacheFolder(io.environment) });
    io.note(`\n${checkText(found)}\n`);
    io.print(join(out, 'self-check.json'));
    return EXIT.done;
  },
};

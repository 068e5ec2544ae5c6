import { openModel, openReader, openTokenizer, readTexts, UsageError } from '../../harness/index.js';
import { type HeldPart, openCoder, readCoder } from '../../replacements/index.js';
import { parseArguments, requireFlag, wholeFlag } from '../arguments.js';
import {
  cachedActivations,
  evidenceContexts,
  heldDocuments,
  type WantedActivations,
} from '../experiment/activations.js';
import { cacheFolder } from '../experiment/cache.js';
import { trainedCoder } from '../experiment/coder.js';
import { fetched } from '../experiment/fetched.js';
import { readExperiment } from '../experiment/file.js';
import { surveyExperiment } from '../experiment/survey.js';
import { readPart } from '../experiment/texts.js';
import { type Command, EXIT, type Io } from '../io.js';

const usage =
  'partial-rewrite cache <experiment.yaml> | <model> --coder <folder> --text <file> [--hookpoint <id>] [--from N] ' +
  '[--to N] [--length 128] [--held-out <file>]… [--leave-out] [--out <folder>]';

const options = {
  coder: { type: 'string' },
  text: { type: 'string' },
  hookpoint: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  length: { type: 'string' },
  'held-out': { type: 'string', multiple: true },
  'leave-out': { type: 'boolean', default: false },
  out: { type: 'string' },
} as const;

type Flags = ReturnType<typeof parseArguments<typeof options>>['values'];

/** Checks the text against what is held back, fills the cache, and prints its folder. */
async function fill(wanted: WantedActivations, held: readonly HeldPart[], flags: Flags, io: Io): Promise<void> {
  const contexts = evidenceContexts(wanted.contexts, held, flags['leave-out']);
  const left = wanted.contexts.length - contexts.length;
  if (left > 0) io.note(`${left} of ${wanted.contexts.length} contexts share text with what is held back: left out.`);
  const places = { folder: flags.out, cache: cacheFolder(io.environment) };
  const { folder, corpus, firings } = await cachedActivations({ ...wanted, contexts }, places, io);
  const tokens = corpus.tokens.length;
  io.note(
    `${firings.toLocaleString('en-US')} firings over ${tokens.toLocaleString('en-US')} tokens: ` +
      `${(firings / tokens).toFixed(1)} of ${wanted.coder.spec.latents} latents a token.`,
  );
  io.print(folder);
}

/** Every hookpoint of an experiment, over its evidence; what it calibrates and evaluates on is held back. */
async function cacheExperiment(path: string, flags: Flags, io: Io): Promise<void> {
  const foreign = (['coder', 'text', 'hookpoint', 'from', 'to', 'length', 'held-out'] as const).find(
    (name) => flags[name] !== undefined,
  );
  if (foreign !== undefined) {
    throw new UsageError('BAD_ARGUMENTS', `--${foreign} is given, and ${path} says it already.`, `Usage: ${usage}`);
  }
  const written = await readExperiment(path);
  const leaveOut = flags['leave-out'] ? ({ contamination: 'leave-out' } as const) : {};
  const survey = await surveyExperiment({ ...written, ...leaveOut }, io);
  try {
    const { model, rewrites, texts } = survey;
    if (flags.out !== undefined && rewrites.length > 1) {
      throw new UsageError(
        'BAD_ARGUMENTS',
        `${path} has ${rewrites.length} hookpoints, and one folder holds the activations of one.`,
        'Leave out --out: each gets a folder of its own in the cache.',
      );
    }
    for (const line of survey.notes) io.note(line);
    for (const { hookpoint, coder: found } of rewrites) {
      const reader = await openReader(model, hookpoint);
      const { coder } =
        found.kind === 'given'
          ? found
          : await trainedCoder(found.recipe, reader, texts.training.contexts, cacheFolder(io.environment), io);
      // What is held back was looked for when the texts were read.
      await fill({ reader, coder, contexts: texts.evidence.contexts }, [], flags, io);
    }
  } finally {
    await survey.dispose();
  }
}

async function cacheText(name: string, flags: Flags, io: Io): Promise<void> {
  const folder = requireFlag(flags.coder, 'coder', usage);
  const text = {
    path: requireFlag(flags.text, 'text', usage),
    from: wholeFlag(flags.from, 'from', { least: 0, fallback: 0, usage }),
    to: wholeFlag(flags.to, 'to', { least: 1, fallback: undefined, usage }),
  };
  const length = wholeFlag(flags.length, 'length', { least: 2, fallback: 128, usage });
  const coderAt = await fetched(folder, 'coder', io);
  const spec = await readCoder(coderAt.path, { hookpoint: flags.hookpoint });
  const hookpoint = flags.hookpoint ?? spec.hookpoint;
  if (hookpoint === null) {
    throw new UsageError(
      'NO_HOOKPOINT',
      `The files of ${folder} do not say its hookpoint, and no --hookpoint was given.`,
      'Say where the coder belongs, for instance --hookpoint layers.2.mlp.',
    );
  }
  const { path } = await fetched(name, 'model', io);
  const model = openModel(path, { threads: io.threads });
  try {
    const reader = await openReader(model, model.hookpoint(hookpoint, { reads: spec.reads, writes: spec.writes }));
    const coder = await openCoder(model.parts.runtime, spec, reader.hookpoint);
    const tokenizer = await openTokenizer(model.folder);
    const { contexts } = await readPart(tokenizer, text, length);
    const held: HeldPart[] = [];
    for (const file of flags['held-out'] ?? []) held.push(heldDocuments(file, await readTexts(file), tokenizer));
    await fill({ reader, coder, contexts }, held, flags, io);
  } finally {
    await model.dispose();
  }
}

export const cache: Command = {
  usage,
  summary: "cache a coder's activations over text, for explanations and scores; a killed run goes on where it stopped",
  async run(args, io) {
    const { values, positionals } = parseArguments(args, options, ['experiment file or model folder'], usage);
    const [name] = positionals;
    await (/\.ya?ml$/.test(name!) ? cacheExperiment(name!, values, io) : cacheText(name!, values, io));
    return EXIT.done;
  },
};

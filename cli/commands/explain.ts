import { existsSync } from 'node:fs';
import { writeWhole } from '../../eval/index.js';
import {
  type ExplainedStyle,
  type Explanation,
  explanationLength,
  formatExplanations,
  type InStyle,
} from '../../explanations/index.js';
import {
  openModel,
  openReader,
  openTokenizer,
  type Reader,
  readTexts,
  type Tokenizer,
  UsageError,
} from '../../harness/index.js';
import {
  collectEvidence,
  contextsOfCorpus,
  type HeldPart,
  openCache,
  openCoder,
  readCoder,
  type SparseCoder,
} from '../../replacements/index.js';
import { parseArguments, requireFlag, wholeFlag } from '../arguments.js';
import { evidenceContexts, heldDocuments } from '../experiment/activations.js';
import { type Explaining, explainedStyle, writeExplanations } from '../experiment/explanations.js';
import { fetched } from '../experiment/fetched.js';
import { checkCache, explainCached } from '../experiment/induction/from-cache.js';
import type { TextConfig } from '../experiment/schema.js';
import { readPart } from '../experiment/texts.js';
import { sourceOfCache, sourceOfEvidence } from '../experiment/writing/source.js';
import { type Command, EXIT, type Io } from '../io.js';
import { type ChosenWriting, chosenWriting, explainByModel, writingOptions, writingUsage } from './explain-by-model.js';

const usage =
  'partial-rewrite explain <model> --coder <folder> (--text <file> [--from N] [--to N] [--length 128] | --cache <folder>) ' +
  '--out <file.jsonl> [--hookpoint <id>] [--style pattern] [--max-tokens 64] [--held-out <file>]… [--leave-out] [--seed 0] [--force] ' +
  writingUsage;

const options = {
  coder: { type: 'string' },
  text: { type: 'string' },
  cache: { type: 'string' },
  out: { type: 'string' },
  hookpoint: { type: 'string' },
  style: { type: 'string', default: 'pattern' },
  from: { type: 'string' },
  to: { type: 'string' },
  length: { type: 'string' },
  'max-tokens': { type: 'string' },
  'held-out': { type: 'string', multiple: true },
  'leave-out': { type: 'boolean', default: false },
  seed: { type: 'string' },
  force: { type: 'boolean', default: false },
  ...writingOptions,
} as const;

type Flags = ReturnType<typeof parseArguments<typeof options>>['values'];

/** Where evidence is from: text that the model is run on, or what `cache` kept. */
type Source =
  | {
      readonly kind: 'text';
      readonly text: TextConfig;
      readonly length: number;
      /** Whether contexts that share text with what is held out are left out; else they are refused. */
      readonly leaveOut: boolean;
    }
  | { readonly kind: 'cache'; readonly folder: string };

/** What explanations are made of, whichever source it is from. */
interface Material {
  readonly reader: Reader;
  readonly coder: SparseCoder;
  readonly tokenizer: Tokenizer;
  readonly held: readonly HeldPart[];
  readonly seed: number;
}

function sourceOf(flags: Flags): Source {
  if (flags.cache === undefined) {
    const text = {
      path: requireFlag(flags.text, 'text', usage),
      from: wholeFlag(flags.from, 'from', { least: 0, fallback: 0, usage }),
      to: wholeFlag(flags.to, 'to', { least: 1, fallback: undefined, usage }),
    };
    const length = wholeFlag(flags.length, 'length', { least: 2, fallback: 128, usage });
    return { kind: 'text', text, length, leaveOut: flags['leave-out'] };
  }
  if (flags['leave-out']) {
    throw new UsageError(
      'BAD_ARGUMENTS',
      '--leave-out is given, and --cache has its text already.',
      'Fill the cache with `partial-rewrite cache --held-out … --leave-out`.',
    );
  }
  const foreign = (['text', 'from', 'to', 'length'] as const).find((name) => flags[name] !== undefined);
  if (foreign === undefined) return { kind: 'cache', folder: flags.cache };
  throw new UsageError('BAD_ARGUMENTS', `--${foreign} is given, and --cache has its text already.`, `Usage: ${usage}`);
}

/** Explanations, and what is told of them. */
interface Outcome {
  readonly explanations: readonly Explanation[];
  readonly told: readonly string[];
  /** True where the budget ended it. */
  readonly partial: boolean;
}

async function explainFrom(
  source: Source,
  material: Material,
  how: Explaining | ChosenWriting,
  io: Io,
): Promise<Outcome> {
  const { reader, coder, tokenizer, held, seed } = material;
  if (source.kind === 'cache') {
    const cache = await openCache(source.folder);
    await checkCache({ reader, coder, cache });
    if (held.length > 0) evidenceContexts(contextsOfCorpus(cache.corpus, tokenizer.surface), held, false);
    if ('config' in how) return explainByModel(how, await sourceOfCache({ reader, coder, cache, seed }), io);
    const { explanations, scale } = await explainCached({ reader, coder, cache, seed }, how, io);
    return { explanations, told: [describe(explanations, scale, tokenizer, how)], partial: false };
  }
  const read = await readPart(tokenizer, source.text, source.length);
  const contexts = evidenceContexts(read.contexts, held, source.leaveOut);
  const left = read.contexts.length - contexts.length;
  if (left > 0) io.note(`${left} of ${read.contexts.length} contexts share text with what is held out: left out.`);
  const bar = io.progress('Collecting evidence', contexts.length, 'contexts');
  const activations = (batch: typeof contexts) => reader.read(batch, io.signal);
  const evidence = await collectEvidence(activations, coder, contexts, seed, (done) => bar.at(done));
  bar.end();
  const explained = { reader, coder, evidence, seed };
  if ('config' in how) return explainByModel(how, sourceOfEvidence(explained), io);
  const explanations = await writeExplanations(explained, how, io);
  return { explanations, told: [describe(explanations, evidence.scale, tokenizer, how)], partial: false };
}

/** How many there are, of how many, and how long. */
function describe(
  explanations: readonly InStyle<ExplainedStyle>[],
  scale: Float32Array,
  tokenizer: Tokenizer,
  { maxTokens }: Explaining,
): string {
  const count = (prose: string): number => tokenizer.encode(prose, { special: false }).length;
  const lengths = explanations.map((each) => explanationLength(each, count));
  const mean = lengths.reduce((sum, each) => sum + each, 0) / Math.max(1, lengths.length);
  const silent = scale.filter((largest) => largest === 0).length;
  const wordless = scale.length - silent - explanations.length;
  const others = [
    `${silent} did not fire`,
    ...(wordless > 0 ? [`of ${wordless} nothing can be said in so few tokens`] : []),
  ];
  return (
    `${explanations.length} of ${scale.length} latents explained (${others.join('; ')}), ` +
    `${mean.toFixed(1)} tokens each on average, at most ${maxTokens}.`
  );
}

export const explain: Command = {
  usage,
  summary: "explain each of a coder's latents in one style from what it does on text, as JSON lines",
  async run(args, io) {
    const { values, positionals } = parseArguments(args, options, ['model folder'], usage);
    const folder = requireFlag(values.coder, 'coder', usage);
    const out = requireFlag(values.out, 'out', usage);
    const source = sourceOf(values);
    const how = chosenWriting(values, usage, io) ?? {
      style: explainedStyle(values.style),
      maxTokens: wholeFlag(values['max-tokens'], 'max-tokens', { least: 1, fallback: 64, usage }),
    };
    const seed = wholeFlag(values.seed, 'seed', { least: 0, fallback: 0, usage });
    if (!values.force && existsSync(out)) {
      throw new UsageError('OUT_NOT_EMPTY', `${out} is already there.`, 'Name another file, or give --force.');
    }
    const coderAt = await fetched(folder, 'coder', io);
    const spec = await readCoder(coderAt.path, { hookpoint: values.hookpoint });
    const hookpoint = values.hookpoint ?? spec.hookpoint;
    if (hookpoint === null) {
      throw new UsageError(
        'NO_HOOKPOINT',
        `The files of ${folder} do not say its hookpoint, and no --hookpoint was given.`,
        'Say where the coder belongs, for instance --hookpoint layers.2.mlp.',
      );
    }
    const { path } = await fetched(positionals[0]!, 'model', io);
    const model = openModel(path, { threads: io.threads });
    try {
      const reader = await openReader(model, model.hookpoint(hookpoint, { reads: spec.reads, writes: spec.writes }));
      const coder = await openCoder(model.parts.runtime, spec, reader.hookpoint);
      const tokenizer = await openTokenizer(model.folder);
      const held: HeldPart[] = [];
      for (const file of values['held-out'] ?? []) held.push(heldDocuments(file, await readTexts(file), tokenizer));
      const outcome = await explainFrom(source, { reader, coder, tokenizer, held, seed }, how, io);
      for (const line of outcome.told) io.note(line);
      // A file without a line reads as a damaged one, and a run that was cut short has more to come.
      if (outcome.partial && outcome.explanations.length === 0) {
        io.note(`No explanation was written to the end, so ${out} is not written.`);
        return EXIT.partial;
      }
      await writeWhole(out, formatExplanations(outcome.explanations));
      io.print(out);
      return outcome.partial ? EXIT.partial : EXIT.done;
    } finally {
      await model.dispose();
    }
  },
};

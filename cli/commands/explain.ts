import { existsSync } from 'node:fs';
import { writeWhole } from '../../eval/index.js';
import { explanationLength, formatExplanations } from '../../explanations/index.js';
import { openModel, openReader, openTokenizer, UsageError } from '../../harness/index.js';
import { collectEvidence, openCoder, readCoder } from '../../replacements/index.js';
import { parseArguments, requireFlag, wholeFlag } from '../arguments.js';
import { explainedStyle, writeExplanations } from '../experiment/explanations.js';
import { fetched } from '../experiment/fetched.js';
import { readPart } from '../experiment/texts.js';
import { type Command, EXIT } from '../io.js';

const usage =
  'partial-rewrite explain <model> --coder <folder> --text <file> --out <file.jsonl> [--hookpoint <id>] ' +
  '[--style pattern] [--max-tokens 64] [--from N] [--to N] [--length 128] [--seed 0] [--force]';

const options = {
  coder: { type: 'string' },
  text: { type: 'string' },
  out: { type: 'string' },
  hookpoint: { type: 'string' },
  style: { type: 'string', default: 'pattern' },
  from: { type: 'string' },
  to: { type: 'string' },
  length: { type: 'string' },
  'max-tokens': { type: 'string' },
  seed: { type: 'string' },
  force: { type: 'boolean', default: false },
} as const;

export const explain: Command = {
  usage,
  summary: "explain each of a coder's latents in one style from what it does on text, as JSON lines",
  async run(args, io) {
    const { values, positionals } = parseArguments(args, options, ['model folder'], usage);
    const whole = (name: 'from' | 'length' | 'max-tokens' | 'seed', least: number, fallback: number) =>
      wholeFlag(values[name], name, { least, fallback, usage });
    const folder = requireFlag(values.coder, 'coder', usage);
    const out = requireFlag(values.out, 'out', usage);
    const text = {
      path: requireFlag(values.text, 'text', usage),
      from: whole('from', 0, 0),
      to: wholeFlag(values.to, 'to', { least: 1, fallback: undefined, usage }),
    };
    const length = whole('length', 2, 128);
    const how = { style: explainedStyle(values.style), maxTokens: whole('max-tokens', 1, 64) };
    const seed = whole('seed', 0, 0);
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
      const { contexts } = await readPart(tokenizer, text, length);
      const bar = io.progress('Collecting evidence', contexts.length, 'contexts');
      const read = (batch: typeof contexts) => reader.read(batch, io.signal);
      const evidence = await collectEvidence(read, coder, contexts, seed, (done) => bar.at(done));
      bar.end();
      const explanations = await writeExplanations({ reader, coder, evidence, seed }, how, io);
      await writeWhole(out, formatExplanations(explanations));
      const count = (prose: string): number => tokenizer.encode(prose, { special: false }).length;
      const lengths = explanations.map((each) => explanationLength(each, count));
      const mean = lengths.reduce((sum, each) => sum + each, 0) / Math.max(1, lengths.length);
      io.note(
        `${explanations.length} of ${spec.latents} latents explained ` +
          `(of the others there is nothing to say: ${evidence.scale.filter((scale) => scale === 0).length} did not fire), ` +
          `${mean.toFixed(1)} tokens each on average, at most ${how.maxTokens}.`,
      );
      io.print(out);
      return EXIT.done;
    } finally {
      await model.dispose();
    }
  },
};

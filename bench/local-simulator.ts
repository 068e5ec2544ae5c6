import { setMaxListeners } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { explanationText, readExplanations } from '../explanations/index.js';
import {
  contextsOf,
  importCheckpoint,
  type Model,
  openModel,
  openTokenizer,
  type ReadingOptions,
  readTexts,
} from '../harness/index.js';
import { type LocalAsker, localAsker, openChatPrompt, openShape, type Query } from '../replacements/index.js';
import { type Benchmark, median } from './benchmark.js';

const TEXTS = 'fixtures/world/texts/evaluation.json';
const WORLD = 'fixtures/world/model';
/** A language model that was trained to read explanations: it answers one rating a question. */
const SIMULATOR = 'fixtures/world/simulator';
const PATTERNS = 'fixtures/world/explanations/transcoder-pattern.jsonl';
const HOOKPOINT = 'layers.1.mlp';
const LATENTS = 1024;
/** A checkpoint that others trained; where it is absent, so are its figures. */
const STORIES = '../shared/models/stories260K';
/** As many explanations, each asked about at as many tokens of a text. */
const EXPLANATIONS = 8;
const TOKENS = 8;
const WINDOW = 24;
const ROUNDS = 3;
/** Ratings of one list. */
const LISTED = 8;

/** Short instructions: our own prompts are longer than the context of models as small as these. */
const SYSTEM = [
  'You are told what a part of a language model responds to, and shown a piece of text.',
  'Rate how strongly it responds to the last word of the text, which is marked.',
  'Answer with one digit from 0 to 9 and nothing else. 0 means not at all.',
  'This is the right answer for most words. 9 means as strongly as ever.',
].join(' ');

const { signal } = new AbortController();
// All queries under way listen to it.
setMaxListeners(0, signal);

/** What is compared, in turns: each way of reading. */
const WAYS = {
  reused: {},
  reused_alone: { rows: 1 },
  whole: { reuse: false },
  whole_alone: { reuse: false, rows: 1 },
} satisfies Readonly<Record<string, ReadingOptions>>;

/** Texts of the embedded world, another for each round; the first is not timed. */
async function textOf(round: number): Promise<readonly string[]> {
  const tokenizer = await openTokenizer(WORLD);
  const packing = { length: WINDOW + TOKENS, count: ROUNDS + 1 };
  return contextsOf(tokenizer, await readTexts(TEXTS), packing)[round]?.text ?? [];
}

/** The tokens of a text, rated under each of several explanations. */
async function digitQueries(round: number): Promise<Query[]> {
  const text = await textOf(round);
  const explanations = Array.from(
    { length: EXPLANATIONS },
    (_, at) => `Fires on "${text[at]}" after "${text[at + 3]}".`,
  );
  return Array.from({ length: TOKENS }, (_, at) => WINDOW + at).flatMap((position) => {
    const window = text.slice(position - WINDOW, position).join('');
    return explanations.map(
      (explanation): Query => ({
        system: SYSTEM,
        user: `Explanation: ${explanation}\nText: ${window}<<${text[position]}>>\nOne digit:`,
        expects: { kind: 'digit' },
      }),
    );
  });
}

/** One question of the list kind in place of each fourth of single ratings. */
const listQueries = (queries: readonly Query[]): Query[] =>
  queries
    .slice(0, queries.length / 4)
    .map((query): Query => ({ ...query, expects: { kind: 'digits', count: LISTED } }));

/**
 * What the embedded simulator is asked by a run: patterns of the embedded coder, by the program's own prompt. Few latents
 * at many positions share their explanations; many latents at one position, as a run goes through a text, share nothing.
 */
async function patternQueries(round: number, latents: number, positions: number): Promise<Query[]> {
  const patterns = (await readExplanations(PATTERNS, new Map([[HOOKPOINT, LATENTS]])))
    .slice(round * latents, (round + 1) * latents)
    .map((explanation) => ({ latent: explanation.latent, text: explanationText(explanation) }));
  const text = await textOf(round);
  const context = { id: String(round), tokens: new Int32Array(text.length), text };
  const asked = Array.from({ length: positions }, (_, at) => text.length - positions + at);
  return [...openShape({ kind: 'last-token' }).shape(context, asked, () => patterns)].map(({ query }) => query);
}

/** Questions of one kind: how many ratings an answer holds, and the questions of a round. */
interface Kind {
  readonly name: string;
  readonly ratings: number;
  readonly queries: (round: number) => Promise<Query[]>;
}
const SHORT: readonly Kind[] = [
  { name: 'digit', ratings: 1, queries: digitQueries },
  { name: 'list', ratings: LISTED, queries: async (round) => listQueries(await digitQueries(round)) },
];
const ASKED: readonly Kind[] = [
  { name: 'few_latents', ratings: 1, queries: (round) => patternQueries(round, EXPLANATIONS, TOKENS) },
  { name: 'many_latents', ratings: 1, queries: (round) => patternQueries(round, EXPLANATIONS * TOKENS, 1) },
];

/** Milliseconds until all are answered, all of them asked at once as a run asks them. */
async function timed(asker: LocalAsker, queries: readonly Query[]): Promise<number> {
  const start = performance.now();
  await Promise.all(queries.map((query) => asker.ask(query, signal)));
  return performance.now() - start;
}

/** Ratings a second of a model, each way, and how long its prompts take to become tokens. */
async function figuresOf(folder: string, kinds: readonly Kind[]): Promise<Record<string, number>> {
  const model = openModel(folder);
  try {
    const figures: Record<string, number> = {};
    for (const { name, ratings, queries: ofRound } of kinds) {
      const [first, ...others] = await Promise.all(Array.from({ length: ROUNDS + 1 }, (_, round) => ofRound(round)));
      const askers = await Promise.all(
        Object.entries(WAYS).map(async ([way, options]) => ({ way, asker: await localAsker({ model, ...options }) })),
      );
      const times = new Map<string, number[]>(askers.map(({ way }) => [way, []]));
      // The first run allocates; it is not timed.
      for (const { asker } of askers) await timed(asker, first!);
      for (const queries of others) {
        for (const { way, asker } of askers) times.get(way)!.push((await timed(asker, queries)) / queries.length);
      }
      const perSecond = (way: keyof typeof WAYS) => (1000 * ratings) / median(times.get(way)!);
      for (const way of ['reused', 'reused_alone', 'whole', 'whole_alone'] as const) {
        figures[`${name}_${way}_per_s`] = perSecond(way);
      }
      figures[`${name}_ratio_reuse`] = perSecond('whole') / perSecond('reused');
      figures[`${name}_ratio_together`] = perSecond('reused_alone') / perSecond('reused');
      figures[`${name}_ratio_both`] = perSecond('whole_alone') / perSecond('reused');
      for (const { asker } of askers) await asker.dispose();
    }
    return { ...figures, ...(await promptFigures(model, await kinds[0]!.queries(0))) };
  } finally {
    await model.dispose();
  }
}

/** How long prompts are, and how long it takes to make tokens of them. */
async function promptFigures(model: Model, queries: readonly Query[]): Promise<Record<string, number>> {
  const prompt = await openChatPrompt(model.folder, await model.tokenizer());
  const start = performance.now();
  const tokens = queries.reduce((sum, { system, user }) => {
    const messages = [
      { role: 'system', content: system },
      { role: 'user', content: user },
    ] as const;
    return sum + prompt.encode(messages).length;
  }, 0);
  return { encode_ms: (performance.now() - start) / queries.length, prompt_tokens: tokens / queries.length };
}

/**
 * Ratings a second that a local model gives on this machine, with what prompts share read once or not, and side by side or
 * one after another. Of the embedded simulator: questions as a run puts them. All take turns on the same queries; medians over rounds. Ratios are times against times: below 1
 * means that the saving saves.
 */
export const localSimulator: Benchmark = {
  name: 'local-simulator',
  about: 'ratings a second of a local model, with and without reuse of shared prompts and reading side by side',
  promises: {
    world_digit_ratio_both: 1 / 2,
    world_list_ratio_both: 1 / 5,
    simulator_few_latents_ratio_reuse: 4 / 5,
  },
  async run() {
    const named = (name: string, figures: Readonly<Record<string, number>>) =>
      Object.entries(figures).map(([figure, value]) => [`${name}_${figure}`, value]);
    const figures = Object.fromEntries([
      ...named('world', await figuresOf(WORLD, SHORT)),
      ...named('simulator', await figuresOf(SIMULATOR, ASKED)),
    ]);
    if (!existsSync(STORIES)) return figures;
    const folder = mkdtempSync(join(tmpdir(), 'local-simulator-'));
    try {
      // Its own export takes no keys and values; imported anew it does.
      await importCheckpoint(STORIES, join(folder, 'model'));
      return { ...figures, ...Object.fromEntries(named('stories260k', await figuresOf(join(folder, 'model'), SHORT))) };
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};

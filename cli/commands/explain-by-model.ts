import { existsSync } from 'node:fs';
import { parse } from 'yaml';
import type { z } from 'zod';
import { readText, UsageError } from '../../harness/index.js';
import { wholeFlag } from '../arguments.js';
import { type Budget, budgetSchema, type PriceTable, priceTableSchema, sharedBudget } from '../experiment/budget.js';
import { cacheFolder } from '../experiment/cache.js';
import { sharedAnswers, simulatorSchema } from '../experiment/simulators/index.js';
import { writtenOrCached } from '../experiment/writing/cached.js';
import { checkWriting, proseStyles, type WritingConfig, writingSchema } from '../experiment/writing/config.js';
import { describeWritten } from '../experiment/writing/describe.js';
import { describeWriting, planWriting } from '../experiment/writing/planned.js';
import type { WritingSource } from '../experiment/writing/source.js';
import { drawnLatents, type Written } from '../experiment/writing/write.js';
import type { Io } from '../io.js';
import { confirmPaid } from '../paid.js';

/** Flags of explanations that a language model writes; all but `simulator` need that. */
export const writingOptions = {
  simulator: { type: 'string' },
  judge: { type: 'string' },
  refine: { type: 'string' },
  examples: { type: 'string' },
  words: { type: 'string' },
  latents: { type: 'string' },
  budget: { type: 'string' },
  prices: { type: 'string' },
  yes: { type: 'boolean', default: false },
} as const;

export const writingUsage =
  '[--simulator <yaml> [--refine 0] [--judge <yaml>] [--examples quantiles|top] [--words 40] [--latents N] [--budget <yaml>] [--prices <yaml>] [--yes]]';

type WritingFlags = {
  readonly [Name in Exclude<keyof typeof writingOptions, 'yes'> | 'max-tokens']?: string | undefined;
} & { readonly style: string; readonly yes: boolean };

/** How explanations are written by a language model, and what that may cost. */
export interface ChosenWriting {
  readonly config: WritingConfig;
  readonly budget: Budget;
  readonly prices: PriceTable;
  readonly yes: boolean;
}

/** More than anybody writes into a flag's file; bytes. */
const LARGEST = 1_000_000;

/**
 * What a flag says in YAML or JSON: a file, or `{…}` itself.
 * @throws {UsageError} `BAD_ARGUMENTS`
 */
function yamlFlag<T>(value: string, name: string, schema: z.ZodType<T>, usage: string): T {
  const wrong = (message: string, cause?: unknown) =>
    new UsageError('BAD_ARGUMENTS', `--${name}: ${message}.`, `Usage: ${usage}`, { cause });
  const inline = value.trimStart().startsWith('{');
  if (!inline && !existsSync(value)) throw wrong(`there is no file ${value}, and it is no {…}`);
  let said: unknown;
  try {
    said = parse(inline ? value : readText(value, LARGEST));
  } catch (cause) {
    throw wrong(cause instanceof Error ? cause.message.split('\n')[0]! : String(cause), cause);
  }
  const parsed = schema.safeParse(said);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(
    ({ path, message }) => `${path.length > 0 ? `${path.join('.')}: ` : ''}${message}`,
  );
  throw wrong(issues.slice(0, 3).join('; '));
}

/**
 * What the flags say of a language model that writes; `null` where they name none.
 * @throws {UsageError} `BAD_ARGUMENTS`, `NO_EXPLAINER`, `NO_ENDPOINT`, `JUDGE_CANNOT_READ`
 */
export function chosenWriting(
  { style, simulator, judge, refine, examples, words, latents, budget, prices, yes, ...flags }: WritingFlags,
  usage: string,
  io: Io,
): ChosenWriting | null {
  if (simulator === undefined) {
    const others = { judge, refine, examples, words, latents, budget, prices };
    const [alone] = Object.entries(others).flatMap(([name, value]) => (value === undefined ? [] : [name]));
    if (alone === undefined) return null;
    throw new UsageError('BAD_ARGUMENTS', `--${alone} is given without --simulator.`, `Usage: ${usage}`);
  }
  if (flags['max-tokens'] !== undefined) {
    throw new UsageError('BAD_ARGUMENTS', '--max-tokens is given, and a language model counts words.', 'Give --words.');
  }
  const known = proseStyles.find((each) => each === style);
  if (known === undefined) {
    throw new UsageError(
      'NO_EXPLAINER',
      `No language model is asked for explanations in the style ${JSON.stringify(style)}.`,
      `Styles that one writes: ${proseStyles.join(', ')}.`,
    );
  }
  const wanted = writingSchema.shape;
  const sampling = wanted.examples.safeParse(examples);
  if (!sampling.success) {
    throw new UsageError('BAD_ARGUMENTS', `--examples is ${examples}, not quantiles or top.`, `Usage: ${usage}`);
  }
  const config: WritingConfig = {
    style: known,
    by: yamlFlag(simulator, 'simulator', wanted.by, usage),
    ...(judge !== undefined && { judge: yamlFlag(judge, 'judge', simulatorSchema, usage) }),
    refine: wholeFlag(refine, 'refine', { least: 0, fallback: 0, usage }),
    examples: sampling.data,
    words: wholeFlag(words, 'words', { least: 5, fallback: 40, usage }),
    latents: wholeFlag(latents, 'latents', { least: 1, fallback: undefined, usage }),
  };
  checkWriting(config, io.environment);
  return {
    config,
    budget: budget === undefined ? {} : yamlFlag(budget, 'budget', budgetSchema, usage),
    prices: prices === undefined ? {} : yamlFlag(prices, 'prices', priceTableSchema, usage),
    yes,
  };
}

/** Says what it will ask, has it confirmed, and has explanations written. */
export async function explainByModel(
  { config, budget, prices, yes }: ChosenWriting,
  source: WritingSource,
  io: Io,
): Promise<{ readonly told: readonly string[] } & Pick<Written, 'explanations' | 'partial'>> {
  const { coder, reader, seed } = source;
  const planned = planWriting(config, drawnLatents(config, source).length, prices);
  io.note(describeWriting(planned));
  await confirmPaid({ paidQueries: planned.queries }, yes, io);
  const cache = cacheFolder(io.environment);
  const answers = sharedAnswers(cache);
  try {
    const { spenderOf } = sharedBudget(budget, prices);
    const written = await writtenOrCached(config, source, { ...io, cache, answers, spenderOf, prices, seed });
    const about = { by: config.by.model, hookpoint: reader.hookpoint.id, latents: coder.spec.latents };
    const { explanations, partial } = written;
    const ended =
      'The budget is reached. All answers are kept: raise it and give the same command again, with --force.';
    return { explanations, partial, told: [...describeWritten(written, about), ...(partial ? [ended] : [])] };
  } finally {
    await answers.close();
  }
}

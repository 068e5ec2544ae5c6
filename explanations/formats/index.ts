import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { UsageError } from '../../harness/index.js';
import type { Explanation } from '../explanation.js';
import { csv } from './csv.js';
import { delphi } from './delphi.js';
import type { ExplanationFormat, WriteOptions } from './format.js';
import { jsonl } from './jsonl.js';
import { type Matched, type MatchOptions, matchEntries, type Unmatched, type UnmatchedReason } from './match.js';
import { neuronpedia } from './neuronpedia.js';
import { openai } from './openai.js';
import { openSource, type Source } from './source.js';

export type { WriteOptions } from './format.js';
export type { Unmatched, UnmatchedReason } from './match.js';

/** Every format, in no order: a file is of one of them. */
const FORMATS: readonly ExplanationFormat[] = [jsonl, delphi, neuronpedia, openai, csv];

export const explanationFormats: readonly string[] = FORMATS.map(({ name }) => name);

export interface ReadExplanationOptions extends MatchOptions {
  /** The name of the format, where the file does not tell. */
  readonly format?: string | undefined;
}

/** What a file holds that can be used, and what it holds that cannot, named. */
export interface ExplanationFile extends Matched {
  readonly format: string;
}

function named(name: string): ExplanationFormat {
  const format = FORMATS.find((each) => each.name === name);
  if (format !== undefined) return format;
  throw new UsageError(
    'EXPLANATION_FORMAT',
    `There is no format of explanations ${JSON.stringify(name.slice(0, 60))}.`,
    `There are ${explanationFormats.join(', ')}.`,
  );
}

function formatOf(source: Source): ExplanationFormat {
  const fitting = FORMATS.filter((format) => format.detect(source));
  if (fitting.length === 1) return fitting[0]!;
  const names = fitting.map(({ name }) => name);
  if (names.length > 1) {
    throw new UsageError(
      'EXPLANATIONS_AMBIGUOUS',
      `${source.path} looks like ${names.join(' and like ')}.`,
      `Say which with format: ${names.join(' or ')}.`,
    );
  }
  throw new UsageError(
    'EXPLANATION_FORMAT',
    `${source.path} is of no format of explanations that is known: ${whatItIs(source)}.`,
    isTable(source)
      ? 'Give the table a header with a column latent and one text; docs/explanations.md shows their other names.'
      : `Give a file or folder of ${explanationFormats.join(', ')}; docs/explanations.md shows each.`,
  );
}

const isTable = (source: Source): boolean =>
  source.kind === 'file' && source.text.trim() !== '' && /\.[ct]sv(?:\.gz)?$/i.test(source.name);

/** Of a source that no format knows, what a user can tell from. */
function whatItIs(source: Source): string {
  if (source.kind === 'folder') return `it has ${source.files.slice(0, 4).join(', ') || 'no files'}`;
  if (source.text.trim() === '') return 'it is empty';
  if (source.text.slice(0, 1000).includes('\0')) return 'it holds bytes of 0, as files of UTF-16 or of weights do';
  if (isTable(source)) return 'its first line names no column of latents, or none of texts';
  return 'its contents are of none';
}

/**
 * Reads explanations of any format, told by what is in the file or folder, and matches them with coders by hookpoint and
 * latent. What is damaged or fits no coder is left out and named in `unmatched`; the rest is read.
 * @throws {UsageError} where nothing can be read or nothing of it can be used
 */
export async function readExplanationFile(
  path: string,
  options: ReadExplanationOptions = {},
): Promise<ExplanationFile> {
  const source = openSource(path);
  const format = options.format === undefined ? formatOf(source) : named(options.format);
  const matched = matchEntries(format.read(source), options);
  if (matched.explanations.length === 0) {
    const [first] = matched.unmatched;
    throw new UsageError(
      'EXPLANATIONS_NONE',
      first === undefined
        ? `${path} has no explanations.`
        : `${path} has no explanation that can be used; the first of ${matched.unmatched.length}: ${first.where} ${first.found}.`,
      first?.why === 'no such hookpoint'
        ? 'Give explanations of this coder, or say what they explain with `hookpoint` (`convert --hookpoint`).'
        : 'Give a whole file of explanations of this coder.',
    );
  }
  return { format: format.name, ...matched };
}

/** Places named for each reason. */
const NAMED = 3;

/** What was taken, but not word for word. */
export function describeAltered(altered: Matched['altered']): string[] {
  if (altered.length === 0) return [];
  const places = altered.slice(0, NAMED).map(({ where, marks }) => `${where} ${marks.join(' ')}`);
  const more = altered.length > NAMED ? `; and ${altered.length - NAMED} more` : '';
  return [`Marks of chat templates broken up in: ${altered.length} (${places.join('; ')}${more})`];
}

/** What did not match, a line a reason: how many, and the first few by name. Empty where all did. */
export function describeUnmatched(unmatched: readonly Unmatched[]): string[] {
  const byReason = new Map<UnmatchedReason, Unmatched[]>();
  for (const each of unmatched) byReason.set(each.why, [...(byReason.get(each.why) ?? []), each]);
  return [...byReason].map(([why, all]) => {
    const places = all.slice(0, NAMED).map(({ where, found }) => `${where} ${found}`);
    const more = all.length > NAMED ? `; and ${all.length - NAMED} more` : '';
    return `Left out as ${why}: ${all.length} (${places.join('; ')}${more})`;
  });
}

/** Every entry that did not match, a line each: why, where, and what was found. */
export function listUnmatched(unmatched: readonly Unmatched[]): string[] {
  return unmatched.map(({ why, where, found }) => `${why}: ${where} ${found}`);
}

/** What a format does not hold of these explanations, so that reading them back does not give it. Empty where it holds all. */
export function describeLoss(format: string, explanations: readonly Explanation[]): string[] {
  const { holds } = named(format);
  const programs = explanations.filter(({ style }) => holds.styles === 'prose' && style !== 'sentence').length;
  const others = Object.keys(explanations[0]?.provenance ?? {}).length > 0 && holds.provenance !== 'all';
  return [
    ...(programs > 0
      ? [
          `${programs} of other styles than sentence are written as their English text, which is read back as sentences.`,
        ]
      : []),
    ...(others ? [`Of where explanations came from, ${format} holds ${holds.provenance}.`] : []),
  ];
}

/**
 * Writes explanations in a format: one file at `path`, or a folder of them. Formats of prose hold every style as its
 * English text. Nothing that is there is overwritten.
 * @throws {UsageError} for what the format cannot hold, or where something is at `path`
 */
export async function writeExplanationFile(
  path: string,
  format: string,
  explanations: readonly Explanation[],
  options: WriteOptions = {},
): Promise<void> {
  const files = named(format).write(explanations, options);
  if (existsSync(path)) {
    throw new UsageError('EXPLANATIONS_EXIST', `There is something at ${path} already.`, 'Choose another path.');
  }
  for (const [file, text] of files) {
    const to = file === '' ? path : join(path, file);
    await mkdir(dirname(to), { recursive: true });
    await writeFile(to, text);
  }
}

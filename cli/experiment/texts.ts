import {
  type Context,
  contextsOf,
  makeContext,
  readTexts,
  seededRandom,
  type Tokenizer,
  UsageError,
} from '../../harness/index.js';
import { type HeldPart, type HeldText, heldText, SHARED_RUN_OF_TEXT } from '../../replacements/index.js';
import { heldDocuments, ownContexts } from './activations.js';
import { type HeldNames, heldNames } from './contamination.js';
import type { Experiment, TextConfig } from './schema.js';

/** The contexts of one part of an experiment, and the documents that they were cut from. */
export interface TextPart {
  readonly contexts: readonly Context[];
  readonly documents: readonly string[];
}

/** A part as it was read. */
interface WholePart extends TextPart {
  /** All that the documents fill, in order; `contexts` may be a choice of them. */
  readonly rows: readonly Context[];
}

export interface ExperimentTexts {
  readonly training: TextPart;
  readonly evidence: TextPart;
  readonly calibration: TextPart;
  readonly evaluation: TextPart;
  /** What nothing else may have been made from, by the names that provenance gives to it. */
  readonly held: HeldNames;
  /** What was left out, a line each, for the user. */
  readonly notes: readonly string[];
}

/** Reads some documents and packs them into contexts of `length` tokens. */
export async function readPart(
  tokenizer: Tokenizer,
  { path, from, to, contexts }: TextConfig,
  length: number,
): Promise<WholePart> {
  const all = await readTexts(path);
  const documents = all.slice(from, to);
  if (documents.length === 0) {
    throw new UsageError(
      'NO_DOCUMENTS',
      `${path} has ${all.length} documents, none from ${from}${to === undefined ? '' : ` to ${to}`}.`,
      'Change `from` and `to`.',
    );
  }
  const rows = contextsOf(tokenizer, documents, { length });
  // Evenly over the documents: the first rows would be a handful of texts, and their rows are alike.
  const wanted = Math.min(contexts ?? rows.length, rows.length);
  const cut = Array.from({ length: wanted }, (_, i) => rows[Math.floor((i * rows.length) / wanted)]!);
  // The same tokens twice are one context: counting it twice would narrow intervals for nothing.
  return { documents, rows, contexts: [...new Map(cut.map((context) => [context.id, context])).values()] };
}

/** @throws {UsageError} when a document of `held` is also one of `shown` */
function refuseOverlap(held: TextPart, heldName: string, shown: TextPart, shownName: string): void {
  const seen = new Set(shown.documents);
  const twice = held.documents.find((document) => seen.has(document));
  if (twice === undefined) return;
  throw new UsageError(
    'CONTAMINATED',
    `The ${heldName} text shares a document with the ${shownName} text: "${twice.slice(0, 40).replaceAll('\n', ' ')}…".`,
    `Give ${heldName} documents that ${shownName} does not have, with \`from\` and \`to\`.`,
  );
}

/** Cuts each context to a random length, so that positions early and late in a context are scored alike. */
function shorten(
  tokenizer: Tokenizer,
  contexts: readonly Context[],
  { min, max }: Experiment['context'],
  seed: number,
): Context[] {
  const random = seededRandom(`${seed}/lengths`);
  return contexts.map((context) =>
    makeContext(tokenizer, context.tokens.slice(0, min + random.integer(max - min + 1))),
  );
}

/**
 * The evidence without the contexts that have a stretch of calibration or evaluation text: documents that are not the same
 * may still say the same.
 * @throws {UsageError} `CONTAMINATED` where there are such, unless they are to be left out
 */
function cleanEvidence(
  tokenizer: Tokenizer,
  { contexts: all, rows, documents }: WholePart,
  held: Readonly<Record<'evaluation' | 'calibration', WholePart>>,
  { contamination }: Pick<Experiment, 'contamination'>,
): { readonly evidence: TextPart; readonly notes: readonly string[] } {
  const parts = Object.entries(held);
  const quick = heldIn(
    parts.map(([name, part]) => ({ name, texts: part.rows.map(({ id, tokens }) => ({ name: id, tokens })) })),
  );
  const stretchOf = stretchesOf(rows, quick.run);
  if (all.every((context) => quick.shared(stretchOf(context)) === null)) {
    return { evidence: { contexts: all, documents }, notes: [] };
  }
  // Documents are tokenized once more only to name those that are shared.
  const named = heldIn(parts.map(([name, part]) => heldDocuments(name, part.documents, tokenizer)));
  const contexts = ownContexts(all, named, contamination === 'leave-out', stretchOf);
  const left = all.length - contexts.length;
  return {
    evidence: { contexts, documents },
    notes: [`${left} of ${all.length} contexts of the evidence share text with what is held back: left out.`],
  };
}

/**
 * The tokens of a context, or, where it is shorter than a run, all runs that cover it: what is as short may be the same by
 * chance.
 * @param rows all contexts of a text in order, of one length
 */
function stretchesOf(rows: readonly Context[], run: number): (context: Context) => Int32Array {
  const length = rows[0]?.tokens.length ?? 0;
  if (length >= run) return ({ tokens }) => tokens;
  const stream = new Int32Array(rows.length * length);
  for (const [at, { tokens }] of rows.entries()) stream.set(tokens, at * length);
  const places = new Map(rows.map(({ id }, at) => [id, at]));
  return ({ id, tokens }) => {
    const at = places.get(id);
    if (at === undefined) return tokens;
    return stream.subarray(Math.max(0, (at + 1) * length - run), at * length + run);
  };
}

/** Held text however short: it is looked for whole where it is shorter than a run. */
function heldIn(parts: readonly HeldPart[]): HeldText {
  const tokens = parts.flatMap(({ texts }) => texts).reduce((sum, text) => sum + text.tokens.length, 0);
  return heldText(parts, Math.min(SHARED_RUN_OF_TEXT, tokens));
}

const idsOf = (contexts: readonly Context[]): string[] => contexts.map(({ id }) => id);

/**
 * Reads and cuts all texts of an experiment.
 * @throws {UsageError} `CONTAMINATED` when evaluation or calibration text also serves as evidence or training text
 */
export async function readExperimentTexts(tokenizer: Tokenizer, experiment: Experiment): Promise<ExperimentTexts> {
  const { texts, context, protocol, seed } = experiment;
  const read = (config: TextConfig) => readPart(tokenizer, config, context.max);
  const shown = await read(texts.evidence);
  const training = texts.training ? await read(texts.training) : null;
  const calibration = await read(texts.calibration);
  const evaluation = await read(texts.evaluation);
  refuseOverlap(evaluation, 'evaluation', shown, 'evidence');
  if (training) refuseOverlap(evaluation, 'evaluation', training, 'training');
  refuseOverlap(evaluation, 'evaluation', calibration, 'calibration');
  refuseOverlap(calibration, 'calibration', shown, 'evidence');
  const { evidence, notes } = cleanEvidence(tokenizer, shown, { evaluation, calibration }, experiment);
  const vary = protocol === 'last' && context.min < context.max;
  const scored = vary ? shorten(tokenizer, evaluation.contexts, context, seed) : evaluation.contexts;
  return {
    training: training ?? evidence,
    evidence,
    calibration,
    evaluation: { documents: evaluation.documents, contexts: scored },
    held: heldNames([
      ['evaluation', idsOf(evaluation.rows)],
      ['evaluation', idsOf(evaluation.contexts)],
      ['evaluation', idsOf(scored)],
      ['calibration', idsOf(calibration.rows)],
      ['calibration', idsOf(calibration.contexts)],
    ]),
    notes,
  };
}

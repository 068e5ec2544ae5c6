import {
  type Context,
  contextsOf,
  makeContext,
  readTexts,
  seededRandom,
  type Tokenizer,
  UsageError,
} from '../../harness/index.js';
import type { Experiment, TextConfig } from './schema.js';

/** The contexts of one part of an experiment, and the documents that they were cut from. */
export interface TextPart {
  readonly contexts: readonly Context[];
  readonly documents: readonly string[];
}

export interface ExperimentTexts {
  readonly training: TextPart;
  readonly evidence: TextPart;
  readonly calibration: TextPart;
  readonly evaluation: TextPart;
}

/** Reads some documents and packs them into contexts of `length` tokens. */
export async function readPart(
  tokenizer: Tokenizer,
  { path, from, to, contexts }: TextConfig,
  length: number,
): Promise<TextPart> {
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
  return { documents, contexts: [...new Map(cut.map((context) => [context.id, context])).values()] };
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
 * Reads and cuts all texts of an experiment.
 * @throws {UsageError} when evaluation or calibration text also serves as evidence or training text
 */
export async function readExperimentTexts(tokenizer: Tokenizer, experiment: Experiment): Promise<ExperimentTexts> {
  const { texts, context, protocol, seed } = experiment;
  const read = (config: TextConfig) => readPart(tokenizer, config, context.max);
  const evidence = await read(texts.evidence);
  const training = texts.training ? await read(texts.training) : evidence;
  const calibration = await read(texts.calibration);
  const evaluation = await read(texts.evaluation);
  refuseOverlap(evaluation, 'evaluation', evidence, 'evidence');
  refuseOverlap(evaluation, 'evaluation', training, 'training');
  refuseOverlap(evaluation, 'evaluation', calibration, 'calibration');
  refuseOverlap(calibration, 'calibration', evidence, 'evidence');
  const vary = protocol === 'last' && context.min < context.max;
  const scored = vary ? shorten(tokenizer, evaluation.contexts, context, seed) : evaluation.contexts;
  return { training, evidence, calibration, evaluation: { ...evaluation, contexts: scored } };
}

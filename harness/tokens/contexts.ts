import type { Context } from '../context.js';
import { UsageError } from '../errors.js';
import { sha256 } from '../hash.js';
import type { Tokenizer } from './tokenizer.js';

/** A context of these tokens. Its id is the first 16 hex digits of the sha256 over them as little-endian int32. */
export function makeContext(tokenizer: Tokenizer, ids: Int32Array): Context {
  const bytes = Buffer.alloc(4 * ids.length);
  for (const [i, id] of ids.entries()) bytes.writeInt32LE(id, 4 * i);
  return {
    id: sha256(bytes).slice(0, 16),
    tokens: ids,
    text: Array.from(ids, (id) => tokenizer.surface(id)),
  };
}

export interface Packing {
  /** Tokens in each context. */
  readonly length: number;
  /** At most this many contexts; all that the texts fill when left out. */
  readonly count?: number;
}

/**
 * Pack texts into contexts of exactly `length` tokens. The texts run on as one stream, each with the BOS that the
 * tokenizer adds, or behind an end-of-text token where it adds none; the stream is cut into rows and what does not
 * fill the last row is dropped.
 * @throws {RangeError} when `length` is no positive whole number
 * @throws {UsageError} `TEXTS_TOO_SHORT` when the texts do not fill one context
 */
export function contextsOf(tokenizer: Tokenizer, texts: Iterable<string>, { length, count }: Packing): Context[] {
  if (!Number.isInteger(length) || length < 1) throw new RangeError(`a context cannot have ${length} tokens`);
  const contexts: Context[] = [];
  let row = new Int32Array(length);
  let filled = 0;
  let seen = 0;
  for (const id of stream(tokenizer, texts)) {
    if (contexts.length === count) break;
    seen++;
    row[filled++] = id;
    if (filled < length) continue;
    contexts.push(makeContext(tokenizer, row));
    row = new Int32Array(length);
    filled = 0;
  }
  if (contexts.length === 0 && count !== 0) {
    throw new UsageError(
      'TEXTS_TOO_SHORT',
      `The texts hold ${seen} tokens, less than one context of ${length}.`,
      'Give longer texts or a smaller context length.',
    );
  }
  return contexts;
}

/** The tokens of all texts; a text is only encoded when its first token is asked for. */
function* stream(tokenizer: Tokenizer, texts: Iterable<string>): Generator<number> {
  for (const text of texts) {
    if (tokenizer.bos === null && tokenizer.eos !== null) yield tokenizer.eos;
    yield* tokenizer.encode(text);
  }
}

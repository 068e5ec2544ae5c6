import type { Tokenizer } from '../../harness/index.js';
import type { Judge } from './judge.js';

/** Share of a token's probability that what was read before decides. */
const CACHE_SHARE = 0.5;
/** Texts whose tokens are kept. */
const REMEMBERED = 4096;

/** What an explanation quotes, piece by piece; all of it where it quotes nothing. */
function quoted(explanation: string): readonly string[] {
  const pieces = [...explanation.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([literal]) => unescaped(literal));
  return pieces.length === 0 ? [explanation] : pieces;
}

/** Tokens are quoted as `quoteToken` does; what only looks so is taken as it stands. */
function unescaped(literal: string): string {
  try {
    const whole = literal.replace(/\\u\{([0-9a-f]+)\}/g, (_, hex) => String.fromCodePoint(Number.parseInt(hex, 16)));
    return String(JSON.parse(whole));
  } catch {
    return literal.slice(1, -1);
  }
}

/**
 * A reader that knows only which tokens it has seen: a token's probability is half its share of what was given and half its
 * share of a corpus, so that what repeats is less surprising. It understands nothing; it serves explanations that quote
 * tokens, as patterns, tables and the `output` style do. Offline, free and deterministic: a baseline for models that read.
 * @param corpus tokens of which are counted once more than they occur, so that none is impossible
 * @see Kuhn & De Mori 1990, A cache-based natural language model for speech recognition
 */
export function tokenCacheJudge(
  tokenizer: Pick<Tokenizer, 'encode' | 'vocabularySize'>,
  corpus: readonly string[],
): Judge & Required<Pick<Judge, 'surprisal'>> {
  // The same texts are asked about again and again, behind one explanation after another.
  const encoded = new Map<string, Int32Array>();
  const encode = (text: string): Int32Array => {
    const known = encoded.get(text);
    if (known !== undefined) return known;
    const tokens = tokenizer.encode(text, { special: false });
    if (encoded.size >= REMEMBERED) encoded.clear();
    encoded.set(text, tokens);
    return tokens;
  };
  // Each piece by itself: tokens that an explanation lists are no text that runs on.
  const encodeQuoted = (text: string) => quoted(text).flatMap((piece) => [...encode(piece)]);
  const counts = new Float64Array(tokenizer.vocabularySize).fill(1);
  for (const text of corpus) {
    for (const token of tokenizer.encode(text, { special: false })) counts[token]! += 1;
  }
  const total = counts.reduce((sum, count) => sum + count, 0);
  return {
    id: 'token-cache',
    async surprisal({ text, given }, signal) {
      signal.throwIfAborted();
      const before = given.kind === 'explanation' ? encodeQuoted(given.explanation) : encode(given.text);
      const cache = new Map<number, number>();
      for (const token of before) cache.set(token, (cache.get(token) ?? 0) + 1);
      const share = before.length === 0 ? 0 : CACHE_SHARE;
      const tokens = given.kind === 'continuation' ? encodeQuoted(text) : encode(text);
      let nats = 0;
      for (const token of tokens) {
        const seen = before.length === 0 ? 0 : (cache.get(token) ?? 0) / before.length;
        nats -= Math.log(share * seen + ((1 - share) * counts[token]!) / total);
      }
      return { value: { nats, tokens: tokens.length } };
    },
  };
}

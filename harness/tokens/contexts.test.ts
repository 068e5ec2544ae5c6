import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { contextsOf, makeContext } from './contexts.js';
import type { Tokenizer } from './tokenizer.js';

/** One token a character, by its code; 1 is what stands before a text, 2 what ends one. */
function letters(marks: { readonly bos: 1 | null; readonly eos: 2 | null }): Tokenizer {
  return {
    vocabularySize: 128,
    ...marks,
    encode: (text) => Int32Array.from([...(marks.bos === null ? [] : [marks.bos]), ...Buffer.from(text)]),
    surface: (id) => ({ 1: '<s>', 2: '</s>' })[id] ?? String.fromCharCode(id),
  };
}

const rows = (tokenizer: Tokenizer, texts: string[], packing: { length: number; count?: number }) =>
  contextsOf(tokenizer, texts, packing).map((context) => context.text.join(''));

describe('makeContext', () => {
  it('is named by the sha256 over its ids as little-endian int32', () => {
    const context = makeContext(letters({ bos: null, eos: null }), Int32Array.of(72, 105));
    const digest = createHash('sha256')
      .update(Uint8Array.of(72, 0, 0, 0, 105, 0, 0, 0))
      .digest('hex');
    expect(context).toEqual({ id: digest.slice(0, 16), tokens: Int32Array.of(72, 105), text: ['H', 'i'] });
  });
});

describe('contextsOf', () => {
  it('packs texts, each behind the BOS that the tokenizer adds, and drops the remainder', () =>
    expect(rows(letters({ bos: 1, eos: 2 }), ['abc', 'de', 'f'], { length: 4 })).toEqual(['<s>abc', '<s>de<s>']));

  it('puts the end of text before each where the tokenizer adds no BOS', () =>
    expect(rows(letters({ bos: null, eos: 2 }), ['abc', 'de'], { length: 3 })).toEqual(['</s>ab', 'c</s>d']));

  it('runs texts together where there is no mark at all', () =>
    expect(rows(letters({ bos: null, eos: null }), ['abc', 'de'], { length: 5 })).toEqual(['abcde']));

  it('stops at the count', () =>
    expect(rows(letters({ bos: null, eos: null }), ['abcdef'], { length: 2, count: 2 })).toEqual(['ab', 'cd']));

  it('refuses texts that do not fill one context, and says how far they go', () =>
    expect(() => rows(letters({ bos: 1, eos: 2 }), ['abc'], { length: 5 })).toThrow(/4 tokens.*context of 5/));

  it.each([0, -1, 1.5])('refuses a length of %d', (length) =>
    expect(() => rows(letters({ bos: 1, eos: 2 }), ['abc'], { length })).toThrow(RangeError),
  );
});

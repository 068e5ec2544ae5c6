import { describe, expect, it } from 'vitest';
import { surfaceForms } from './surface.js';

const NONE: ReadonlySet<number> = new Set();

describe('surfaceForms', () => {
  it('reads the stand-ins of byte-level tokens', () =>
    expect(surfaceForms(['Ġthe', 'Ċ', 'Ã©', 'a'], NONE, 'byte-level')).toEqual([' the', '\n', 'é', 'a']));

  it('names bytes that are no whole character, beside those that are', () =>
    // Ġâ is a space and 0xE2, which opens a three-byte character; Ģ is 0x80, which continues one.
    expect(surfaceForms(['Ġâ', 'Ģ', 'ÃĢ'], NONE, 'byte-level')).toEqual([' <0xE2>', '<0x80>', 'À']));

  it('reads ▁ as a space and a byte as its character', () =>
    expect(surfaceForms(['▁the', '<0x0A>', '<0xE2>'], NONE, 'sentencepiece')).toEqual([' the', '\n', '<0xE2>']));

  it('keeps the name of a byte that an ordinary token reads like', () =>
    expect(surfaceForms(['a', '<0x61>', '<0x62>'], NONE, 'sentencepiece')).toEqual(['a', '<0x61>', 'b']));

  it('reads special tokens by name and unused ids as such', () =>
    expect(surfaceForms(['<s>', undefined, 'a'], new Set([0]), 'byte-level')).toEqual(['<s>', '<unused 1>', 'a']));
});

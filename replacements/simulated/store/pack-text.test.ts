import { describe, expect, it } from 'vitest';
import { packAnswer, unpackAnswer } from './pack.js';
import { packText, unpackText } from './pack-text.js';

describe('a packed text', () => {
  it.each(['Cats.', '\uFEFFwith a mark', 'cat 🐈\u0000\n', 'x'.repeat(10_000)])('comes back as it was: %#', (text) =>
    expect(unpackText(packText({ kind: 'written', text }))).toEqual({ kind: 'written', text }),
  );
  it.each([{ kind: 'refused' }, { kind: 'unreadable' }] as const)('knows $kind', (answer) =>
    expect(unpackText(packText(answer))).toEqual(answer),
  );
  it('is not taken for a rating, nor a rating for a text', () => {
    expect(() => unpackAnswer(packText({ kind: 'written', text: 'Cats.' }))).toThrow(RangeError);
    expect(() => unpackAnswer(packText({ kind: 'refused' }))).toThrow(RangeError);
    expect(() => unpackText(packAnswer({ kind: 'refused' }))).toThrow(RangeError);
    expect(() => unpackText(packAnswer({ kind: 'rated', slots: [null] }))).toThrow(RangeError);
    expect(() => unpackText(new Uint8Array())).toThrow('these bytes are no packed text');
  });
});

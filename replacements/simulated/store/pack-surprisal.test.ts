import { describe, expect, it } from 'vitest';
import { packAnswer, unpackAnswer } from './pack.js';
import { packSurprisal, unpackSurprisal } from './pack-surprisal.js';
import { packText, unpackText } from './pack-text.js';

describe('a packed surprisal', () => {
  it.each([
    [0, 0],
    [123.456789012345, 32],
    [Number.MIN_VALUE, 2 ** 32 - 1],
  ])('comes back as it was, nothing rounded: %d nats of %d tokens', (nats, tokens) => {
    const packed = packSurprisal({ kind: 'read', nats, tokens });
    expect(packed).toHaveLength(13);
    expect(unpackSurprisal(packed)).toEqual({ kind: 'read', nats, tokens });
  });
  it('knows what is unreadable', () =>
    expect(unpackSurprisal(packSurprisal({ kind: 'unreadable' }))).toEqual({ kind: 'unreadable' }));
  it.each([
    [Number.POSITIVE_INFINITY, 1],
    [Number.NaN, 1],
    [1, 0.5],
    [1, -1],
  ])('is never made of %d nats of %d tokens', (nats, tokens) =>
    expect(() => packSurprisal({ kind: 'read', nats, tokens })).toThrow(RangeError),
  );
  it('is taken for no answer of another kind, nor one of these for it', () => {
    const surprisals = [packSurprisal({ kind: 'read', nats: 1, tokens: 1 }), packSurprisal({ kind: 'unreadable' })];
    for (const packed of surprisals) {
      expect(() => unpackAnswer(packed)).toThrow(RangeError);
      expect(() => unpackText(packed)).toThrow(RangeError);
    }
    const others = [
      packAnswer({ kind: 'refused' }),
      packAnswer({ kind: 'rated', slots: [null] }),
      packText({ kind: 'unreadable' }),
      packText({ kind: 'written', text: 'twelve chars' }),
      new Uint8Array(),
    ];
    for (const packed of others) expect(() => unpackSurprisal(packed)).toThrow('these bytes are no packed surprisal');
  });
});

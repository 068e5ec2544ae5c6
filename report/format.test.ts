import { describe, expect, it } from 'vitest';
import { nats, percent, percentRange, pValue, score, shareText, signedNats, whole } from './format.js';

const plain = (text: string): string => text.replaceAll('\u202f', ' ').replaceAll('\u00a0', ' ');

describe('numbers', () => {
  it.each([
    [0.5431, '0.543'],
    [-0.0001, '0.000'],
    [9.9996, '10.0'],
    [30.44, '30.4'],
    [-1234.5, '−1 235'],
  ])('%d nats is %s', (value, text) => expect(plain(nats(value))).toBe(text));

  it('have a sign where direction matters, and none at zero', () => {
    expect([0.5, -0.5, 0, 1e-9].map(signedNats)).toEqual(['+0.500', '−0.500', '0.000', '0.000']);
  });

  it.each([
    [0.713, '71 %'],
    [0, '0 %'],
    [1, '100 %'],
    [0.996, '99.6 %'],
    [0.004, '0.4 %'],
    [-52.1, '−5 210 %'],
  ])('the share %d is %s', (value, text) => expect(plain(percent(value))).toBe(text));

  it('write a range with one unit', () => {
    expect(plain(percentRange([0.68, 0.74]))).toBe('68 to 74 %');
    expect(plain(percentRange([0.68, 0.681]))).toBe('68 %');
    expect(plain(shareText({ mean: 0.71, ci: [0.68, 0.74] }))).toBe('71 % [68, 74]');
  });

  it('have a dash where there is none, never a zero', () => {
    expect(score(null)).toBe('–');
    expect(shareText({ mean: null, why: 'no gap' })).toBe('–');
  });

  it('group thousands, and bound small p-values', () => {
    expect(plain(whole(491_520))).toBe('491 520');
    expect([0.0004, 0.0049, 0.03].map((p) => plain(pValue(p)))).toEqual(['p < 0.001', 'p = 0.005', 'p = 0.03']);
  });
});

import { describe, expect, it } from 'vitest';
import type { TokenLogprob } from './answer.js';
import { expectedDigit, readRating } from './read-out.js';

const top = (probabilities: Record<string, number>): TokenLogprob[] =>
  Object.entries(probabilities).map(([token, p]) => ({ token, logprob: Math.log(p) }));
const answer = (...tokens: [string, Record<string, number>?][]) =>
  readRating({
    kind: 'tokens',
    tokens: tokens.map(([token, alternatives]) => ({ token, top: top(alternatives ?? { [token]: 1 }) })),
  });

describe('expectedDigit', () => {
  it('is the mean digit', () => expect(expectedDigit(top({ '2': 0.5, '8': 0.5 }))).toBeCloseTo(5, 12));
  it('takes a digit with a blank before it for the same digit', () => {
    expect(expectedDigit(top({ '7': 0.5, ' 7': 0.3, '\n1': 0.2 }))).toBeCloseTo(0.8 * 7 + 0.2, 12);
  });
  it('is renormalised over the digits, so that other tokens do not pull it down', () => {
    expect(expectedDigit(top({ '6': 0.4, The: 0.6 }))).toBeCloseTo(6, 12);
  });
  it('keeps a certain 9 at exactly 9', () => expect(expectedDigit([{ token: '9', logprob: 0 }])).toBe(9));
  it('tells a certain 0 from no answer', () => {
    expect(expectedDigit([{ token: '0', logprob: 0 }])).toBe(0);
    expect(expectedDigit([])).toBeNull();
  });
  it('cannot be read where digits hold less than a tenth', () => {
    expect(expectedDigit(top({ '6': 0.09, The: 0.91 }))).toBeNull();
    expect(expectedDigit(top({ '6': 0.11, The: 0.89 }))).toBeCloseTo(6, 12);
  });
  it('takes no digit from outside 0-9', () => {
    expect(expectedDigit(top({ '10': 0.9, '-1': 0.05, '２': 0.05 }))).toBeNull();
  });
  it('never gives NaN', () => expect(expectedDigit([{ token: '5', logprob: Number.NaN }])).toBeNull());
});

describe('readRating', () => {
  it('reads the first token that is not blank', () => expect(answer(['\n'], [' '], ['4'])).toBe(4));
  it('minds no full stop', () => expect(answer(['4'], ['.'], ['\n'])).toBe(4));
  it.each([[['1'], ['0']], [['7'], ['.5']], [['7'], ['.'], ['5']], [['Seven']], [[' ']], []] as [string][][])(
    'cannot read %j',
    (...tokens) => expect(answer(...tokens)).toBeNull(),
  );
});

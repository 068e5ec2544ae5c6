import type { Answer, TokenLogprob } from './answer.js';

/** Where digits hold less of the answer token's probability than this, the answer is prose, not a rating. */
export const LEAST_DIGIT_MASS = 0.1;

const DIGIT = /^\s*([0-9])\s*$/;

/**
 * Expected digit over the most likely alternatives of one token, renormalised over the digits 0-9 among them:
 * sum p(d) d / sum p(d). "7" and " 7" are the same digit; "10" is none.
 *
 * Without renormalising, whatever mass other tokens hold would count as 0 and bias the rating low.
 * @returns 0-9, or `null` where digits hold less than `leastMass` of the probability
 */
export function expectedDigit(top: readonly TokenLogprob[], leastMass: number = LEAST_DIGIT_MASS): number | null {
  let mass = 0;
  let sum = 0;
  for (const { token, logprob } of top) {
    const digit = DIGIT.exec(token)?.[1];
    if (digit === undefined) continue;
    const probability = Math.exp(logprob);
    mass += probability;
    sum += probability * Number(digit);
  }
  // Written so that NaN is unreadable too. Rounding may carry a certain 9 above 9.
  return mass >= leastMass && mass > 0 ? Math.min(9, sum / mass) : null;
}

/**
 * The rating, 0-9, that an answer states; `null` where it states none. The answer token is the first that is not blank.
 * Where the text goes on to a longer number ("1" then "0", "7" then ".5"), the first digit alone would be misread, so
 * such an answer is unreadable.
 */
export function readRating(answer: Answer & { kind: 'tokens' }): number | null {
  const first = answer.tokens.findIndex(({ token }) => token.trim() !== '');
  if (first < 0) return null;
  const rest = answer.tokens.slice(first + 1).map(({ token }) => token);
  return /^[.,]?[0-9]/.test(rest.join('')) ? null : expectedDigit(answer.tokens[first]!.top);
}

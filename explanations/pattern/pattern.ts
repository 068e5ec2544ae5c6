import type { Rule } from '../explanation.js';

/**
 * Size of a pattern in tokens, the unit of `maxTokens` and of every table of sizes: each alternative of each slot
 * counts 1, and each distinct strength counts 1, since rules that share a strength are printed as one group.
 */
export function patternLength(rules: readonly Rule[]): number {
  const literals = rules.reduce((sum, rule) => sum + rule.tokens.reduce((slots, slot) => slots + slot.length, 0), 0);
  return literals + new Set(rules.map((rule) => rule.strength)).size;
}

/** Does the rule match the tokens that end at `position`, that one included? */
function ruleMatches(rule: Rule, text: readonly string[], position: number): boolean {
  const start = position - rule.tokens.length + 1;
  return start >= 0 && rule.tokens.every((slot, i) => slot.includes(text[start + i]!));
}

/**
 * What a pattern says at one position, 0-9: the strength of the longest rule that matches, 0 where none does.
 * The plain definition, one latent at a time; `compilePatterns` gives the same for many latents at once.
 * Only `text[0 .. position]` is read.
 */
export function ratePattern(rules: readonly Rule[], text: readonly string[], position: number): number {
  let longest: Rule | undefined;
  for (const rule of rules) {
    if (rule.tokens.length > (longest?.tokens.length ?? 0) && ruleMatches(rule, text, position)) longest = rule;
  }
  return longest?.strength ?? 0;
}

/**
 * The first two rules of one length that can match the same tokens with different strengths; `undefined` where there
 * are none. Without such a pair the order of the rules means nothing, so readers refuse patterns that have one.
 */
export function findAmbiguity(rules: readonly Rule[]): readonly [Rule, Rule] | undefined {
  for (const [i, one] of rules.entries()) {
    for (const other of rules.slice(i + 1)) {
      if (one.tokens.length !== other.tokens.length || one.strength === other.strength) continue;
      if (one.tokens.every((slot, s) => slot.some((token) => other.tokens[s]!.includes(token)))) return [one, other];
    }
  }
  return undefined;
}

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

/** A rule and the tokens of each of its slots. */
interface Slotted {
  readonly rule: Rule;
  readonly slots: readonly ReadonlySet<string>[];
}

function overlap(one: ReadonlySet<string>, other: ReadonlySet<string>): boolean {
  const [few, many] = one.size < other.size ? [one, other] : [other, one];
  for (const token of few) if (many.has(token)) return true;
  return false;
}

/**
 * Two rules of one length that can match the same tokens with different strengths, in their order; `undefined` where there
 * are none. Without such a pair the order of the rules means nothing, so readers refuse patterns that have one.
 */
export function findAmbiguity(rules: readonly Rule[]): readonly [Rule, Rule] | undefined {
  // Rules that end in different tokens never match the same: only those that share one are held against each other.
  const endingIn = new Map<string, Slotted[]>();
  for (const rule of rules) {
    const own: Slotted = { rule, slots: rule.tokens.map((slot) => new Set(slot)) };
    for (const token of own.slots.at(-1)!) {
      const key = `${rule.tokens.length} ${token}`;
      const before = endingIn.get(key) ?? [];
      const found = before.find(
        ({ rule: { strength }, slots }) =>
          strength !== rule.strength && slots.every((slot, i) => overlap(slot, own.slots[i]!)),
      );
      if (found !== undefined) return [found.rule, rule];
      before.push(own);
      endingIn.set(key, before);
    }
  }
  return undefined;
}

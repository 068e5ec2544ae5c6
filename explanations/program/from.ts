import type { InStyle, Rule } from '../explanation.js';
import type { TableItem } from '../styles/token-table.js';
import { parseProgram } from './parser.js';
import type { Case, Condition, Program, TokenSet } from './syntax.js';

const endsIn = (slots: readonly TokenSet[]): Condition =>
  slots.length === 1 ? { kind: 'in', back: 0, set: slots[0]! } : { kind: 'ngram', slots };

const whenEndsIn = (slots: readonly TokenSet[], strength: number): Case => ({
  when: endsIn(slots),
  gives: { kind: 'number', value: strength },
});

const firstOf = (cases: readonly Case[]): Program => ({
  classes: [],
  rating: cases.length === 0 ? { kind: 'number', value: 0 } : { kind: 'choose', cases, otherwise: null },
});

/** Rules whose slots may name classes as cases, one each, in the order given: the first that holds decides. */
export const programOfOrdered = (
  rules: readonly { readonly slots: readonly TokenSet[]; readonly strength: number }[],
): Program => firstOf(rules.map(({ slots, strength }) => whenEndsIn(slots, strength)));

/** Rules as cases, one each. The first that holds decides, so longer rules, which overrule others, come first. */
export const programOfRules = (rules: readonly Rule[]): Program =>
  firstOf(
    rules
      .toSorted((a, b) => b.tokens.length - a.tokens.length)
      .map(({ tokens, strength }) => whenEndsIn(tokens, strength)),
  );

/**
 * What a pattern, a table or a program says, as a program: the same rating at each token. Cases stand in the order in which
 * they decide: a pattern's longest rules first, a table's rows as they are.
 */
export function asProgram(explanation: InStyle<'pattern' | 'token-table' | 'program'>): Program {
  switch (explanation.style) {
    case 'program':
      return parseProgram(explanation.source);
    case 'pattern':
      return programOfRules(explanation.rules);
    case 'token-table': {
      const { rows, classes = {} } = explanation;
      // A table's own classes may have names that no program can give, so their tokens stand in their place.
      const spelled = (set: readonly TableItem[]): TokenSet =>
        set.flatMap((item): TokenSet => (typeof item === 'string' ? [item] : (classes[item.class] ?? [item])));
      return firstOf(
        rows.map(({ tokens, previous, strength }) =>
          whenEndsIn(previous === undefined ? [spelled(tokens)] : [spelled(previous), spelled(tokens)], strength),
        ),
      );
    }
  }
}

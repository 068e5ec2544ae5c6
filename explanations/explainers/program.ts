import type { Rule } from '../explanation.js';
import { induceRules } from '../induce/induce.js';
import { printProgram } from '../program/print.js';
import type { Case, Program } from '../program/syntax.js';
import type { Explainer } from './explainer.js';

const caseOf = ({ tokens, strength }: Rule): Case => ({
  when: tokens.length === 1 ? { kind: 'in', back: 0, set: tokens[0]! } : { kind: 'ngram', slots: tokens },
  gives: { kind: 'number', value: strength },
});

/** One case a rule. The first that holds decides in a program, so longer rules, which overrule others, come first. */
function programOf(rules: readonly Rule[]): Program {
  const cases = rules.toSorted((a, b) => b.tokens.length - a.tokens.length || b.strength - a.strength).map(caseOf);
  const silence = { kind: 'number', value: 0 } as const;
  return { classes: [], rating: cases.length === 0 ? silence : { kind: 'choose', cases, otherwise: null } };
}

/** Rules on the last one to three tokens as the cases of a program. */
export const programExplainer: Explainer<'program'> = {
  style: 'program',
  needs: [],
  uses: ['directions'],
  explain(evidence, { maxTokens, seed, provenance, onLatent }) {
    const { hookpoint } = evidence;
    const all = induceRules({ ...evidence, maxTokens, seed, sharing: 'none', ...(onLatent && { onLatent }) });
    return Array.from(all, ({ latent, rules }) => ({
      hookpoint,
      latent,
      style: 'program',
      source: printProgram(programOf(rules)),
      provenance: { by: 'induce-program', ...provenance },
    }));
  },
};

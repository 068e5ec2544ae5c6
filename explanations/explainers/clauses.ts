import { explanationLength, type InStyle, type Rule } from '../explanation.js';
import { induceRules } from '../induce/induce.js';
import type { Explainer } from './explainer.js';
import { anyInWords, pack } from './in-words.js';

/** One clause a strength, strongest first. */
function clausesOf(rules: readonly Rule[]): InStyle<'clauses'>['clauses'] {
  const strengths = [...new Set(rules.map(({ strength }) => strength))].sort((a, b) => b - a);
  return strengths.map((strength) => ({
    when: anyInWords(rules.filter((rule) => rule.strength === strength)),
    strength,
  }));
}

/** Induced rules in words, one clause a strength. The strongest clause decides, so exceptions cannot be said. */
export const clausesExplainer: Explainer<'clauses'> = {
  style: 'clauses',
  needs: [],
  uses: ['directions'],
  explain(evidence, { maxTokens, seed, count, provenance, onLatent }) {
    const explanations: InStyle<'clauses'>[] = [];
    for (const { latent, rules } of induceRules({ ...evidence, maxTokens, seed, ...(onLatent && { onLatent }) })) {
      const record = (chosen: readonly Rule[]): InStyle<'clauses'> => ({
        hookpoint: evidence.hookpoint,
        latent,
        style: 'clauses',
        clauses: clausesOf(chosen),
        provenance: { by: 'explain-clauses', ...provenance },
      });
      const firing = rules.filter(({ strength }) => strength > 0);
      const chosen = pack(firing, (some) => explanationLength(record(some), count) <= maxTokens);
      if (chosen.length > 0) explanations.push(record(chosen));
    }
    return explanations;
  },
};

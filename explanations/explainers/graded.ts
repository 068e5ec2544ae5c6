import { explanationLength, type InStyle, type Rule } from '../explanation.js';
import { induceRules } from '../induce/induce.js';
import { type Explainer, firingLatents } from './explainer.js';
import { anyInWords, pack } from './in-words.js';
import { ending, placesOf } from './places.js';

const LOWER = [6, 3, 1] as const;

/** The grade, below 9, that a strength is nearest to; `null` nearer to 0 than to 1. */
function gradeOf(strength: number): 9 | (typeof LOWER)[number] | null {
  if (strength > 7.5) return 9;
  return LOWER.find((grade) => strength >= (grade === 1 ? 0.5 : grade - 1)) ?? null;
}

/**
 * Induced rules in words, under the grade that each strength is nearest to. Where no rule is as strong as 9, the context
 * of the largest activation stands there, since that is what 9 means.
 */
export const gradedExplainer: Explainer<'graded'> = {
  style: 'graded',
  needs: [],
  uses: ['directions'],
  explain(evidence, { maxTokens, seed, count, provenance, onLatent }) {
    const explanations: InStyle<'graded'>[] = [];
    const placeOf = placesOf(evidence.contexts);
    // The last three tokens at each latent's largest activation: that deserves a 9, whatever the rules say.
    const strongest = new Map<number, Pick<Rule, 'tokens'>>();
    for (const { latent, positions, values } of firingLatents(evidence, {})) {
      const at = values.reduce((best, value, i) => (value > values[best]! ? i : best), 0);
      strongest.set(latent, { tokens: ending(placeOf(positions[at]!), 3).map((token) => [token]) });
    }
    for (const { latent, rules } of induceRules({ ...evidence, maxTokens, seed, ...(onLatent && { onLatent }) })) {
      const record = (chosen: readonly Rule[]): InStyle<'graded'> => {
        const best = chosen.filter(({ strength }) => gradeOf(strength) === 9);
        const grades: { [G in 9 | 6 | 3 | 1]?: string } = {};
        for (const grade of LOWER) {
          const those = chosen.filter(({ strength }) => gradeOf(strength) === grade);
          if (those.length > 0) grades[grade] = anyInWords(those);
        }
        return {
          hookpoint: evidence.hookpoint,
          latent,
          style: 'graded',
          grades: { ...grades, '9': anyInWords(best.length > 0 ? best : [strongest.get(latent)!]) },
          provenance: { by: 'explain-graded', ...provenance },
        };
      };
      const fits = (chosen: readonly Rule[]): boolean => explanationLength(record(chosen), count) <= maxTokens;
      const graded = rules.filter(({ strength }) => gradeOf(strength) !== null);
      const chosen = pack(graded, fits);
      if (fits(chosen)) explanations.push(record(chosen));
    }
    return explanations;
  },
};

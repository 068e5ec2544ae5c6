import type { InStyle, Rule } from '../explanation.js';
import { induceRules } from '../induce/induce.js';
import { promotedLength } from '../styles/output.js';
import { type Explainer, required } from './explainer.js';
import { anyInWords, pack } from './in-words.js';
import { strongestPromoted } from './output.js';

/** Induced rules in words for what a latent reads, and its strongest promoted tokens for what it does: half the tokens each. */
export const inputOutputExplainer: Explainer<'input+output'> = {
  style: 'input+output',
  needs: ['promoted'],
  uses: ['directions'],
  explain(evidence, { maxTokens, seed, count, provenance, onLatent }) {
    const promoted = required(evidence.promoted, 'promoted');
    const explanations: InStyle<'input+output'>[] = [];
    for (const { latent, rules } of induceRules({ ...evidence, maxTokens, seed, ...(onLatent && { onLatent }) })) {
      const promotes = strongestPromoted(promoted[latent] ?? [], Math.floor(maxTokens / 2));
      const room = maxTokens - promotedLength(promotes);
      const firing = rules.filter(({ strength }) => strength > 0);
      const chosen = pack(firing, (some: readonly Rule[]) => count(anyInWords(some)) <= room);
      if (promotes.length === 0 || chosen.length === 0) continue;
      explanations.push({
        hookpoint: evidence.hookpoint,
        latent,
        style: 'input+output',
        text: anyInWords(chosen),
        promotes,
        provenance: { by: 'explain-input-output', ...provenance },
      });
    }
    return explanations;
  },
};

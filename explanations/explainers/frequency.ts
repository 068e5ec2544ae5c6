import type { InStyle } from '../explanation.js';
import { checkEvidence } from '../induce/evidence.js';
import { type Explainer, firingLatents } from './explainer.js';

/** The share of tokens on which a latent fires and, where there is room, how strongly it then does on average. */
export const frequencyExplainer: Explainer<'frequency'> = {
  style: 'frequency',
  needs: [],
  uses: [],
  explain(evidence, options) {
    checkEvidence(evidence);
    const { hookpoint, activations } = evidence;
    const provenance = { by: 'explain-frequency', ...options.provenance };
    const explanations: InStyle<'frequency'>[] = [];
    for (const { latent, scale, values } of firingLatents(evidence, options)) {
      if (options.maxTokens < 1) continue;
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const rate = Number((values.length / activations.positions).toPrecision(2));
      const strength = Math.min(9, Number(((9 * mean) / scale).toFixed(1)));
      const record = { hookpoint, latent, style: 'frequency', rate, provenance } as const;
      explanations.push(options.maxTokens >= 2 ? { ...record, strength } : record);
    }
    return explanations;
  },
};

import type { InStyle } from '../explanation.js';
import { checkEvidence } from '../induce/evidence.js';
import { type Promoted, promotedLength } from '../styles/output.js';
import { type Explainer, firingLatents, required } from './explainer.js';

/** Tokens weaker than this share of the strongest say little of what the latent is for. */
const LEAST_SHARE = 0.25;

/** The most promoted tokens that can be named in `maxTokens`; none where not even one can. */
export function strongestPromoted(promoted: readonly Promoted[], maxTokens: number): Promoted[] {
  const [strongest] = promoted;
  if (strongest === undefined) return [];
  const told = promoted
    .filter(({ weight }) => weight >= LEAST_SHARE * strongest.weight)
    // Two digits are what is read; more would only make the file longer.
    .map(({ token, weight }) => ({ token, weight: Number(weight.toPrecision(2)) }));
  while (told.length > 0 && promotedLength(told) > maxTokens) told.pop();
  return told;
}

/** What a latent does to the next token, by its decoder. */
export const outputExplainer: Explainer<'output'> = {
  style: 'output',
  needs: ['promoted'],
  uses: [],
  explain(evidence, options) {
    checkEvidence(evidence);
    const { hookpoint } = evidence;
    const all = required(evidence.promoted, 'promoted');
    const provenance = { by: 'explain-output', ...options.provenance };
    const explanations: InStyle<'output'>[] = [];
    for (const { latent } of firingLatents(evidence, options)) {
      const promotes = strongestPromoted(all[latent] ?? [], options.maxTokens);
      if (promotes.length > 0) explanations.push({ hookpoint, latent, style: 'output', promotes, provenance });
    }
    return explanations;
  },
};

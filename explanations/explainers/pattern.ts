import { inducePatterns } from '../induce/induce.js';
import type { Explainer } from './explainer.js';

/** Rules on the last one to three tokens, chosen by the error that they save; see `inducePatterns`. */
export const patternExplainer: Explainer<'pattern'> = {
  style: 'pattern',
  needs: [],
  uses: ['directions'],
  explain: (evidence, { maxTokens, seed, provenance, onLatent }) =>
    inducePatterns({ ...evidence, maxTokens, seed, ...(provenance && { provenance }), ...(onLatent && { onLatent }) }),
};

import { checkEvidence } from '../induce/evidence.js';
import { type Explainer, firingLatents } from './explainer.js';

export const emptyExplainer: Explainer<'empty'> = {
  style: 'empty',
  needs: [],
  uses: [],
  explain(evidence, options) {
    checkEvidence(evidence);
    const { hookpoint } = evidence;
    const provenance = { by: 'explain-empty', ...options.provenance };
    return Array.from(firingLatents(evidence, options), ({ latent }) => ({
      hookpoint,
      latent,
      style: 'empty',
      provenance,
    }));
  },
};

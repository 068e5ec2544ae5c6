import { induceRules } from '../induce/induce.js';
import type { Explainer } from './explainer.js';

/** Rules on the last one or two tokens, as rows: those with a previous token first, so that they overrule the others. */
export const tokenTableExplainer: Explainer<'token-table'> = {
  style: 'token-table',
  needs: [],
  uses: ['directions'],
  explain(evidence, { maxTokens, seed, provenance, onLatent }) {
    const { hookpoint } = evidence;
    const rules = induceRules({
      ...evidence,
      ...{ maxTokens, seed, longest: 2, sharing: 'same-length' },
      ...(onLatent && { onLatent }),
    });
    return Array.from(rules, ({ latent, rules: found }) => ({
      hookpoint,
      latent,
      style: 'token-table',
      rows: found
        .toSorted((a, b) => b.tokens.length - a.tokens.length || b.strength - a.strength)
        .map(({ tokens, strength }) => {
          const [last, previous] = tokens.toReversed();
          return { tokens: last!, ...(previous && { previous }), strength };
        }),
      provenance: { by: 'induce-token-table', ...provenance },
    }));
  },
};

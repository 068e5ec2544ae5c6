import { induceRules } from '../induce/induce.js';
import { ClassMerger, longestFirst } from './classes.js';
import type { Explainer } from './explainer.js';

/**
 * Rules on the last one or two tokens, as rows, classes in the place of tokens where that errs no more: those with a
 * previous token first, so that they overrule the others.
 */
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
    const classes = new ClassMerger(evidence);
    return Array.from(rules, ({ latent, rules: found }) => ({
      hookpoint,
      latent,
      style: 'token-table',
      rows: classes.merge(latent, longestFirst(found)).map(({ slots, strength }) => {
        const [last, previous] = slots.toReversed();
        return { tokens: [...last!], ...(previous && { previous: [...previous] }), strength };
      }),
      provenance: { by: 'induce-token-table', ...provenance },
    }));
  },
};

import { induceRules } from '../induce/induce.js';
import { programOfOrdered } from '../program/from.js';
import { printProgram } from '../program/print.js';
import { ClassMerger, longestFirst } from './classes.js';
import type { Explainer } from './explainer.js';

/**
 * Rules on the last one to three tokens as the cases of a program, classes in the place of tokens where that errs no more.
 * Longer rules come first, so that they overrule the others.
 */
export const programExplainer: Explainer<'program'> = {
  style: 'program',
  needs: [],
  uses: ['directions'],
  explain(evidence, { maxTokens, seed, provenance, onLatent }) {
    const { hookpoint } = evidence;
    const all = induceRules({ ...evidence, maxTokens, seed, sharing: 'none', ...(onLatent && { onLatent }) });
    const classes = new ClassMerger(evidence);
    return Array.from(all, ({ latent, rules }) => ({
      hookpoint,
      latent,
      style: 'program',
      source: printProgram(programOfOrdered(classes.merge(latent, longestFirst(rules)))),
      provenance: { by: 'induce-program', ...provenance },
    }));
  },
};

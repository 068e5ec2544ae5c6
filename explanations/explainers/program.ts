import { induceRules } from '../induce/induce.js';
import { programOfRules } from '../program/from.js';
import { printProgram } from '../program/print.js';
import type { Explainer } from './explainer.js';

/** Rules on the last one to three tokens as the cases of a program. */
export const programExplainer: Explainer<'program'> = {
  style: 'program',
  needs: [],
  uses: ['directions'],
  explain(evidence, { maxTokens, seed, provenance, onLatent }) {
    const { hookpoint } = evidence;
    const all = induceRules({ ...evidence, maxTokens, seed, sharing: 'none', ...(onLatent && { onLatent }) });
    return Array.from(all, ({ latent, rules }) => ({
      hookpoint,
      latent,
      style: 'program',
      source: printProgram(programOfRules(rules.toSorted((a, b) => b.strength - a.strength))),
      provenance: { by: 'induce-program', ...provenance },
    }));
  },
};

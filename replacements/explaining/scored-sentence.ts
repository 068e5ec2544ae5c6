import { answered, balancedAccuracy, type DetectingJudge, detect } from './detect.js';
import type { ProseExplainer } from './explained.js';

/**
 * Sentences with how far they can be trusted: the balanced accuracy of a judge that reads them, on examples that neither
 * were shown nor decided anything (`toScore`). Without enough answers there is no such score, and so no explanation.
 */
export function scoredSentenceExplainer(
  explainer: ProseExplainer<'sentence'>,
  judge: DetectingJudge,
): ProseExplainer<'sentence+score'> {
  return {
    style: 'sentence+score',
    async explain(evidence, signal) {
      const written = await explainer.explain(evidence, signal);
      if ('missing' in written) return written;
      const { explanation, ...rest } = written;
      const answers = await detect(judge, explanation, evidence.toScore, signal);
      const value = balancedAccuracy(answered(evidence.toScore, answers).values());
      if (value === null) {
        const why = answers.find((answer) => 'missing' in answer);
        return { missing: why !== undefined && 'missing' in why ? why.missing : 'too few examples' };
      }
      const { text, hookpoint, latent, provenance } = explanation;
      const by = { ...provenance, by: 'explain-sentence+score' };
      const score = { of: 'detection accuracy', value };
      return { explanation: { hookpoint, latent, style: 'sentence+score', text, score, provenance: by }, ...rest };
    },
  };
}

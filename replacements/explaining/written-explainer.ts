import { explanationText, type InStyle, type Provenance } from '../../explanations/index.js';
import { harmlessToJudges } from '../judges/untrusted.js';
import { chooseShown, SHOWN_PLANS, type ShownPlan } from './choose.js';
import type { LatentEvidence } from './evidence.js';
import type { Explained, ProseExplainer } from './explained.js';
import type { About, WrittenStyle } from './forms/form.js';
import { forms } from './forms/index.js';
import { ourWritingPrompts } from './prompts.js';
import { type JudgedExample, showEvidence, showJudged } from './show.js';
import { writeInForm } from './write.js';
import type { Writer } from './writers/writer.js';

export interface WritingOptions {
  readonly writer: Writer;
  /** What differs from the style's own plan (`SHOWN_PLANS`). */
  readonly show?: Partial<ShownPlan>;
  /** Words that an explanation is asked to have at most; what is written may take some more. */
  readonly words?: number;
  readonly provenance?: Omit<Provenance, 'by' | 'model'>;
}

/** An explainer that can also be asked for a better explanation. */
export interface WrittenExplainer<S extends WrittenStyle> extends ProseExplainer<S> {
  /** A new explanation, given one and how its reader did. */
  improve(
    explanation: InStyle<S>,
    judged: readonly JudgedExample[],
    scale: number,
    signal: AbortSignal,
  ): Promise<Explained<S>>;
}

const WORDS = 40;

/** Has explanations of one style written from examples. A latent without an example of its firing gets none. */
export function writtenExplainer<S extends WrittenStyle>(
  style: S,
  { writer, show, words = WORDS, provenance }: WritingOptions,
): WrittenExplainer<S> {
  const plan = { ...SHOWN_PLANS[style], ...show };
  const prompts = ourWritingPrompts[style];
  const asked = { writer, form: forms[style], words };
  const aboutOf = ({ hookpoint, latent }: Pick<LatentEvidence, 'hookpoint' | 'latent'>, method: string): About => ({
    hookpoint,
    latent,
    provenance: { by: `explain-${style}`, model: writer.id, method, ...provenance },
  });
  return {
    style,
    async explain(evidence, signal) {
      const shown = chooseShown(evidence.toExplain, plan);
      if (!shown.some(({ kind }) => kind === 'firing') || !(evidence.scale > 0)) return { missing: 'too few examples' };
      const examples = showEvidence(shown, evidence.scale);
      const fill = (again: string) => prompts.explain.fill({ examples, again, words: String(words) });
      return writeInForm(asked, fill, aboutOf(evidence, `${plan.sampling}, ${shown.length} examples`), signal);
    },
    async improve(explanation, judged, scale, signal) {
      const examples = showJudged(judged, scale);
      const before = harmlessToJudges(explanationText<WrittenStyle>(explanation));
      const fill = (again: string) =>
        prompts.refine.fill({ explanation: before, examples, again, words: String(words) });
      const { method = '' } = explanation.provenance;
      return writeInForm(asked, fill, aboutOf(explanation, method), signal);
    },
  };
}

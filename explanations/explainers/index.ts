import type { InStyle, Style } from '../explanation.js';
import { clausesExplainer } from './clauses.js';
import { contrastiveExplainer } from './contrastive.js';
import { emptyExplainer } from './empty.js';
import { exemplarsExplainer } from './exemplars.js';
import type { Explainer, ExplainerEvidence, ExplainerOptions, Extra } from './explainer.js';
import { frequencyExplainer } from './frequency.js';
import { gradedExplainer } from './graded.js';
import { inputOutputExplainer } from './input-output.js';
import { outputExplainer } from './output.js';
import { patternExplainer } from './pattern.js';
import { programExplainer } from './program.js';
import { tokenTableExplainer } from './token-table.js';

export type { ExplainerEvidence, ExplainerOptions, Extra } from './explainer.js';

/** An explainer is in this list, and nowhere else. Styles that are missing need an author: a person or a language model. */
const EXPLAINERS = {
  contrastive: contrastiveExplainer,
  clauses: clausesExplainer,
  graded: gradedExplainer,
  exemplars: exemplarsExplainer,
  output: outputExplainer,
  'input+output': inputOutputExplainer,
  pattern: patternExplainer,
  'token-table': tokenTableExplainer,
  program: programExplainer,
  empty: emptyExplainer,
  frequency: frequencyExplainer,
} as const satisfies { readonly [S in Style]?: Explainer<S> };

/** A style that can be written without a language model. */
export type ExplainedStyle = keyof typeof EXPLAINERS;

const isExplained = (style: string): style is ExplainedStyle => Object.hasOwn(EXPLAINERS, style);

/** Names of the styles that can be written without a language model. */
export const explainedStyles: readonly ExplainedStyle[] = Object.keys(EXPLAINERS).filter(isExplained);

/** What of the evidence's extras an explainer of this style cannot do without. */
export const explainerNeeds = (style: ExplainedStyle): readonly Extra[] => EXPLAINERS[style].needs;

/** What of the evidence's extras an explainer of this style writes better by. */
export const explainerUses = (style: ExplainedStyle): readonly Extra[] => EXPLAINERS[style].uses;

/**
 * Explains every latent that fires in one style, without a language model. The same evidence, options and seed give the
 * same explanations, in order of latents.
 * @throws {RangeError} when the evidence is not as long as its text, or lacks what the style needs (`explainerNeeds`)
 */
export function explain(
  style: ExplainedStyle,
  evidence: ExplainerEvidence,
  options: ExplainerOptions,
): InStyle<ExplainedStyle>[] {
  return EXPLAINERS[style].explain(evidence, options);
}

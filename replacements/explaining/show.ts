import { quoteToken } from '../../explanations/index.js';
import type { EvidenceExample } from '../evidence/index.js';
import { activates, type ScoredExample } from '../judges/index.js';
import { harmlessToJudges, marked } from '../judges/untrusted.js';

const quoted = (token: string): string => harmlessToJudges(quoteToken(token));

/** 1 to 9; what fires at all is at least 1. */
const strengthOf = (activation: number, scale: number): number =>
  Math.max(1, Math.min(9, Math.round((9 * activation) / scale)));

type Shown = Pick<ScoredExample, 'text' | 'activations'>;

/** Each firing token with its strength, in reading order; what is listed twice with one strength is listed once. */
function strengths({ text, activations }: Shown, scale: number): string {
  const lines = text.flatMap((token, i) =>
    activations[i]! > 0 ? [`${quoted(token)} ${strengthOf(activations[i]!, scale)}`] : [],
  );
  return [...new Set(lines)].join('\n');
}

/** @param notes lines about single tokens, harmless already */
function element(attributes: string, example: Shown, notes: string): string {
  const highlighted = [...example.text.keys()].filter((i) => example.activations[i]! > 0);
  const tokens = notes === '' ? [] : ['<tokens>', notes, '</tokens>'];
  const text = ['<text>', marked({ text: example.text, highlighted }), '</text>'];
  return [`<example ${attributes}>`, ...text, ...tokens, '</example>'].join('\n');
}

const stateOf = (isActive: boolean): 'active' | 'silent' => (isActive ? 'active' : 'silent');

function notesOf(example: EvidenceExample, scale: number): string {
  const at = (): string => quoted(example.text[example.at]!);
  switch (example.kind) {
    case 'firing':
      return strengths(example, scale);
    case 'neighbour':
      return `A similar latent is active on ${at()}.`;
    case 'near-miss':
      return `In other texts the latent is often active on ${at()}.`;
    case 'random':
      return '';
  }
}

/** Evidence as a writer reads it. Nothing in it can leave its element, mark a token or pass for a note. */
export function showEvidence(examples: readonly EvidenceExample[], scale: number): string {
  return examples
    .map((example, i) =>
      element(`number="${i + 1}" latent="${stateOf(example.kind === 'firing')}"`, example, notesOf(example, scale)),
    )
    .join('\n');
}

/** An example with what a reader of an explanation made of it. */
export interface JudgedExample {
  readonly example: ScoredExample;
  /** Probability that the latent fires in it, by the explanation. */
  readonly probability: number;
}

/** Mistakes, and what was right, as a writer reads them. */
export function showJudged(examples: readonly JudgedExample[], scale: number): string {
  return examples
    .map(({ example, probability }, i) => {
      const attributes = `number="${i + 1}" latent="${stateOf(activates(example))}" guess="${stateOf(probability > 0.5)}"`;
      return element(attributes, example, strengths(example, scale));
    })
    .join('\n');
}

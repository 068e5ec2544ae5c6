import type { Random } from '../../harness/index.js';
import type { Explanation } from '../explanation.js';
import { asProgram } from '../program/from.js';
import { parseProgram } from '../program/parser.js';
import { printProgram } from '../program/print.js';
import { type Program, ProgramError } from '../program/syntax.js';
import { broadened, narrowed, negated } from './edits.js';

/** What may be wrong with an explanation, on purpose. */
export const PLANTED_KINDS = ['swapped', 'negated', 'broadened', 'narrowed'] as const;
export type PlantedKind = (typeof PLANTED_KINDS)[number];

export interface PlantingOptions {
  /** Explanations of other latents, one of which stands in its place where it is swapped. */
  readonly others: readonly Explanation[];
  /** Tokens that a broadened case may name beside its own. */
  readonly vocabulary: readonly string[];
  readonly random: Random;
}

/** The explanation as a program, where its style is one that programs can say. */
function programOf(explanation: Explanation): Program | null {
  switch (explanation.style) {
    case 'pattern':
    case 'token-table':
    case 'program':
      return asProgram(explanation);
    default:
      return null;
  }
}

/** `null` where the result would be longer than programs may be. */
function written(program: Program | null): string | null {
  if (program === null) return null;
  const source = printProgram(program);
  try {
    parseProgram(source);
    return source;
  } catch (error) {
    if (error instanceof ProgramError) return null;
    throw error;
  }
}

/**
 * A wrong explanation of a latent, made of a right one: another latent's (`swapped`), one that fires where it did not and only
 * there (`negated`), one with less context and more alternatives (`broadened`), or one without half of its rules (`narrowed`).
 * All but swapped ones come as programs.
 * @returns `null` where the explanation cannot be made wrong in this way
 */
export function plantError(
  kind: PlantedKind,
  explanation: Explanation,
  { others, vocabulary, random }: PlantingOptions,
): Explanation | null {
  const { hookpoint, latent } = explanation;
  const provenance = { by: `planted: ${kind}` };
  if (kind === 'swapped') {
    const candidates = others.filter((other) => other.latent !== latent);
    return candidates.length === 0 ? null : { ...random.pick(candidates), hookpoint, latent, provenance };
  }
  const program = programOf(explanation);
  if (program === null) return null;
  const edit = {
    negated: () => negated(program),
    broadened: () => broadened(program, vocabulary, random),
    narrowed: () => narrowed(program, random),
  };
  const source = written(edit[kind]());
  return source === null ? null : { hookpoint, latent, style: 'program', source, provenance };
}

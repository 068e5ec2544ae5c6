import type { z } from 'zod';
import { harmlessProse, type InStyle, type Provenance } from '../../../explanations/index.js';

/** The styles that a language model writes directly. */
export type WrittenStyle = 'sentence' | 'contrastive' | 'clauses' | 'graded';

/** Of which latent an explanation is, and where it comes from. */
export interface About {
  readonly hookpoint: string;
  readonly latent: number;
  readonly provenance: Provenance;
}

/** What an answer holds. `wrong` is a sentence about it that its writer can be told. */
export type ReadForm<S extends WrittenStyle> =
  | { readonly kind: 'explanation'; readonly explanation: InStyle<S> }
  | { readonly kind: 'unreadable'; readonly wrong: string }
  | { readonly kind: 'hostile'; readonly command: string };

/** The form that answers in one style must have. */
export interface Form<S extends WrittenStyle = WrittenStyle> {
  readonly style: S;
  read(answer: string, about: About): ReadForm<S>;
}

/**
 * Reads answers strictly: what lacks a field, has one more, or says nothing is no explanation. What would instruct its
 * reader is hostile; marks of chat templates are broken up.
 * @param fields what an answer holds, without being checked; or what is wrong with it
 */
export function form<S extends WrittenStyle, Fields extends Readonly<Record<string, unknown>>>({
  style,
  fields,
  schema,
  explanation,
}: {
  readonly style: S;
  readonly fields: (answer: string) => { readonly value: unknown } | { readonly wrong: string };
  readonly schema: z.ZodType<Fields>;
  readonly explanation: (about: About, fields: Fields) => InStyle<S>;
}): Form<S> {
  return {
    style,
    read(answer, about) {
      const given = fields(answer);
      if ('wrong' in given) return { kind: 'unreadable', wrong: given.wrong };
      const read = schema.safeParse(given.value);
      if (!read.success) return { kind: 'unreadable', wrong: 'It did not have the form that is asked for.' };
      const { fields: shown, command } = harmlessProse(read.data);
      if (command !== null) return { kind: 'hostile', command };
      return { kind: 'explanation', explanation: explanation(about, schema.parse(shown)) };
    },
  };
}

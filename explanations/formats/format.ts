import type { Explanation, Provenance } from '../explanation.js';
import type { Source } from './source.js';

/** Where a file says that a coder sits, in whatever words its authors use. */
export type Place = string | null;

/** One thing that a file says, before it is matched with coders; what cannot be read is an entry too, and says so. */
export type Entry = {
  /** File and line, item or row, as the user finds it. */
  readonly where: string;
} & (
  | {
      readonly kind: 'read';
      /** `null` where the file names none. */
      readonly place: Place;
      readonly latent: number;
      /** Style and its own fields, not yet checked. */
      readonly fields: Readonly<Record<string, unknown>>;
      readonly provenance: Provenance;
    }
  | {
      readonly kind: 'damaged';
      /** What is wrong, as the end of a sentence that begins with `where`. */
      readonly found: string;
    }
);

/** What a format that is not ours must be told to be written. */
export interface WriteOptions {
  /** The explained model's name, where the format wants one. */
  readonly model?: string | undefined;
}

/** A way in which explanations are published. */
export interface ExplanationFormat {
  readonly name: string;
  /** What is still there when what `write` gave is read: every style or prose only, and `all` or what of provenance. */
  readonly holds: { readonly styles: 'all' | 'prose'; readonly provenance: string };
  /** Whether `source` is of this format, by its shape and contents. */
  detect(source: Source): boolean;
  read(source: Source): Iterable<Entry>;
  /**
   * Files by their path within a folder; a format of a single file gives one, whose path is empty.
   * Formats that know prose only get `explanationText`, whatever the style.
   */
  write(explanations: readonly Explanation[], options: WriteOptions): ReadonlyMap<string, string>;
}

/** What stands in a file, short enough for one line of an error. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** A latent's number, from a number or digits; `undefined` for anything else. */
export function latentOf(value: unknown): number | undefined {
  const latent = typeof value === 'string' && /^\d{1,9}$/.test(value.trim()) ? Number(value) : value;
  return typeof latent === 'number' && Number.isSafeInteger(latent) && latent >= 0 ? latent : undefined;
}

/** The parts of `provenance` that have something in them. */
export function provenanceOf(
  parts: { readonly [K in keyof Provenance]: Provenance[K] | undefined } & { by: string },
): Provenance {
  const { by, ...rest } = parts;
  const known = Object.entries(rest).filter(([, value]) => value !== undefined && value !== '');
  return { by, ...Object.fromEntries(known) };
}

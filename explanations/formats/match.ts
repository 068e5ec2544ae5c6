import { type Explanation, explanationFlaw, explanationSchema, type Style, styles } from '../explanation.js';
import { type Entry, shown } from './format.js';
import { matchHookpoint } from './hookpoints.js';
import { harmless } from './hostile.js';

/** Why an entry of a file is not among its explanations. */
export type UnmatchedReason =
  | 'damaged'
  | 'unknown style'
  | 'no such hookpoint'
  | 'no such latent'
  | 'duplicate'
  | 'instructs its reader';

/** An entry that could not be used, by the place where the user finds it. */
export interface Unmatched {
  readonly where: string;
  readonly why: UnmatchedReason;
  /** What was found, as the end of a sentence that begins with `where`. */
  readonly found: string;
}

export interface MatchOptions {
  /** The coders that explanations must be of: numbers of latents by hookpoint. `null` or left out: any. */
  readonly coders?: ReadonlyMap<string, number> | null | undefined;
  /** Take only explanations of this hookpoint; those whose file names none are of it. */
  readonly hookpoint?: string | undefined;
}

export interface Matched {
  readonly explanations: readonly Explanation[];
  readonly unmatched: readonly Unmatched[];
  /** Explanations that were taken, but not word for word: marks of chat templates in them were broken up. */
  readonly altered: readonly { readonly where: string; readonly marks: readonly string[] }[];
}

const KNOWN: readonly string[] = styles;

/** Checks entries one by one and finds the coder of each. What does not fit is named, and the rest goes on. */
export function matchEntries(entries: Iterable<Entry>, { coders = null, hookpoint: said }: MatchOptions): Matched {
  const targets = said !== undefined ? [said] : coders === null ? null : [...coders.keys()];
  const explanations: Explanation[] = [];
  const unmatched: Unmatched[] = [];
  const altered: { where: string; marks: readonly string[] }[] = [];
  const seen = new Map<string, string>();

  const place = (entry: Entry): Explanation | Omit<Unmatched, 'where'> => {
    if (entry.kind === 'damaged') return { why: 'damaged', found: entry.found };
    const { style } = entry.fields;
    if (typeof style !== 'string' || !KNOWN.includes(style)) {
      return { why: 'unknown style', found: `has the style ${shown(style)}` };
    }
    const hookpoint = matchHookpoint(entry.place, targets);
    if (hookpoint === null) {
      const of = entry.place === null ? 'does not say which hookpoint it explains' : `explains ${shown(entry.place)}`;
      return {
        why: 'no such hookpoint',
        found: targets === null ? of : `${of}; the coder sits at ${targets.join(' or ')}`,
      };
    }
    const latents = coders?.get(hookpoint);
    if (latents !== undefined && entry.latent >= latents) {
      return { why: 'no such latent', found: `explains latent ${entry.latent} of ${latents} (0-${latents - 1})` };
    }
    const parsed = explanationSchema.safeParse({
      ...entry.fields,
      hookpoint,
      latent: entry.latent,
      provenance: entry.provenance,
    });
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      return {
        why: 'damaged',
        found: `is no ${style} explanation: ${issue!.path.join('.') || 'record'}: ${issue!.message}`,
      };
    }
    const { fields, broken, command } = harmless(entry.fields);
    if (command !== null) {
      return { why: 'instructs its reader', found: `tells its reader what to do: ${shown(command)}` };
    }
    const explanation = explanationSchema.parse({ ...parsed.data, ...fields });
    const flaw = explanationFlaw(explanation);
    if (flaw !== null) return { why: 'damaged', found: flaw.found.replace(/\.$/, '') };
    const key = keyOf(explanation);
    const earlier = seen.get(key);
    if (earlier !== undefined) {
      return { why: 'duplicate', found: `explains latent ${entry.latent} in style ${style} again, after ${earlier}` };
    }
    seen.set(key, entry.where);
    if (broken.length > 0) altered.push({ where: entry.where, marks: broken });
    return explanation;
  };

  for (const entry of entries) {
    const found = place(entry);
    if ('why' in found) unmatched.push({ where: entry.where, ...found });
    else explanations.push(found);
  }
  return { explanations, unmatched, altered };
}

const keyOf = ({ hookpoint, latent, style }: { hookpoint: string; latent: number; style: Style }): string =>
  `${hookpoint} ${latent} ${style}`;

import { commandIn } from './commands.js';

/** The fields of any style that hold prose. Tokens are not prose: they are shown in quotes, escaped. */
const PROSE: ReadonlySet<string> = new Set(['text', 'fires', 'not', 'when', 'of', '9', '6', '3', '1']);

/** What chat templates mark turns and ends with; a model that sees one may take what follows for another's words. */
const MARKS =
  /<\|[\w -]{1,40}\|>|<\/?s>|\[\/?INST\]|<<\/?SYS>>|<\/?(?:start_of_turn|end_of_turn|system|assistant|user|think)>/gi;

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

interface Visit {
  /** What becomes of a piece of prose. */
  readonly prose: (text: string) => string;
  /** Told every text, tokens and the names of classes too: those are shown as well. */
  readonly any: (text: string) => void;
}

function mapValue(value: unknown, visit: Visit): unknown {
  if (typeof value === 'string') visit.any(value);
  if (Array.isArray(value)) return value.map((each: unknown) => mapValue(each, visit));
  return isFields(value) ? mapFields(value, visit) : value;
}

function mapFields(fields: Fields, visit: Visit): Fields {
  return Object.fromEntries(
    Object.entries(fields).map(([key, each]) => {
      visit.any(key);
      if (typeof each !== 'string' || !PROSE.has(key)) return [key, mapValue(each, visit)];
      visit.any(each);
      return [key, visit.prose(each)];
    }),
  );
}

/** An explanation's prose as it may be shown to a judge, and what was done or found. */
export interface Harmless {
  /** The fields, marks of chat templates broken up. */
  readonly fields: Fields;
  /** The marks that were broken up, each once. */
  readonly broken: readonly string[];
  /** A sentence that tells its reader what to do; `null` where there is none. */
  readonly command: string | null;
}

/** Looks for text that would rather instruct the judge than explain a latent. */
export function harmless(fields: Fields): Harmless {
  const broken = new Set<string>();
  let command: string | null = null;
  const changed = mapFields(fields, {
    any(text) {
      command ??= commandIn(text);
    },
    prose: (text) =>
      text.replace(MARKS, (mark) => {
        broken.add(mark);
        return `${mark[0]} ${mark.slice(1)}`;
      }),
  });
  return { fields: changed, broken: [...broken], command };
}

import { type Tokenizer, UsageError } from '../../../harness/index.js';
import { digitOf, yesOf } from '../endpoints/slots.js';

/** Tokens that spell a value at the place of an answer. */
export interface Spelling {
  readonly value: number;
  readonly tokens: readonly number[];
}

/** Every spelling of each value, and where the answer is behind something fixed, the tokens of that. */
export interface Scale {
  readonly head: readonly number[];
  readonly spellings: readonly Spelling[];
  /**
   * "10" is no rating, yet begins with one: with which, and the token by which it goes on. `null` where it is spelled by
   * a token of its own, which is no digit; and for words.
   */
  readonly goesOn: { readonly value: number; readonly token: number } | null;
}

/** What a model may answer with, as tokens. */
export interface Scales {
  readonly digit: Scale;
  readonly yesNo: Scale;
  /** The first digit of a list, and any other. */
  readonly firstOfList: Scale;
  readonly nextOfList: Scale;
  readonly isBlank: (token: number) => boolean;
}

const DIGITS = Array.from({ length: 10 }, (_, value) => ({ value, text: String(value) }));
const YES_NO = [
  { value: 0, text: 'No' },
  { value: 0, text: 'no' },
  { value: 1, text: 'Yes' },
  { value: 1, text: 'yes' },
];
/** What a model may answer where it takes the scale to end there. */
const BEYOND = '10';
/** The list that prompts for several ratings ask for. */
export const LIST_OPENING = '{"ratings": [';
export const LIST_BETWEEN = ', ';

/**
 * The tokens that read as a rating or as yes or no, just as answers of an endpoint are read: all of the vocabulary that
 * are a digit, or the word, blanks aside. A value that has no token of its own is spelled by several.
 * @param vocabulary how many token ids the model has; a tokenizer may name more
 * @param before a text that prompts end with, behind which values are spelled
 * @throws {UsageError} `VALUES_UNREADABLE` where two values are spelled alike, as in a vocabulary without digits
 */
export function scalesOf(tokenizer: Tokenizer, vocabulary: number, before: string): Scales {
  const length = Math.min(tokenizer.vocabularySize, vocabulary);
  const surfaces = Array.from({ length }, (_, id) => tokenizer.surface(id));
  const spell = (text: string, behind: string) => continuation(tokenizer, behind, text);

  function scale(values: typeof DIGITS, readAs: (surface: string) => number | null): readonly Spelling[] {
    const single = surfaces.flatMap((surface, token): Spelling[] => {
      const value = readAs(surface);
      return value === null ? [] : [{ value, tokens: [token] }];
    });
    const known = new Set(single.map(({ value }) => value));
    const spelled = values
      .filter(({ value }) => !known.has(value))
      .map(({ value, text }) => ({ value, tokens: spell(text, before) }));
    return checked([...single, ...spelled]);
  }

  const digits = scale(DIGITS, digitOf);
  const beyond = spell(BEYOND, before);
  const first = digits.find(({ tokens }) => beyond.length > 1 && tokens.length === 1 && tokens[0] === beyond[0]);
  const goesOn = first === undefined ? null : { value: first.value, token: beyond[1]! };
  /** What all digits have before them, which they may share a token with. */
  const headOf = (behind: string, fixed: string): number[] => {
    const [first, ...others] = DIGITS.map(({ text }) => spell(fixed + text, behind).slice(0, -1));
    const shared = first!.findIndex((token, at) => others.some((other) => other[at] !== token));
    return shared < 0 ? [...first!] : first!.slice(0, shared);
  };
  return {
    digit: { head: [], spellings: digits, goesOn },
    yesNo: { head: [], spellings: scale(YES_NO, yesOf), goesOn: null },
    firstOfList: { head: headOf(before, LIST_OPENING), spellings: digits, goesOn },
    nextOfList: { head: headOf(`${before}${LIST_OPENING}0`, LIST_BETWEEN), spellings: digits, goesOn },
    isBlank: (token) => surfaces[token]?.trim() === '',
  };
}

/** The tokens of `text` behind another, or by itself where tokens reach across. */
function continuation(tokenizer: Tokenizer, before: string, text: string): readonly number[] {
  const head = tokenizer.encode(before, { special: false });
  const whole = tokenizer.encode(before + text, { special: false });
  const apart = head.every((token, at) => whole[at] === token);
  return [...(apart ? whole.subarray(head.length) : tokenizer.encode(text, { special: false }))];
}

/** @throws {UsageError} where the same tokens stand for two values, or none for one */
function checked(spellings: readonly Spelling[]): readonly Spelling[] {
  const seen = new Map<string, number>();
  for (const { value, tokens } of spellings) {
    const key = tokens.join();
    const other = seen.get(key);
    if (tokens.length === 0 || (other !== undefined && other !== value)) {
      throw new UsageError(
        'VALUES_UNREADABLE',
        `The tokenizer spells ${other ?? 'nothing'} and ${value} alike, so no rating can be told from another.`,
        'Take a model whose vocabulary has the digits 0 to 9, and words.',
      );
    }
    seen.set(key, value);
  }
  return spellings;
}

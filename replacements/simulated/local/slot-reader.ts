import type { LanguageModel, NextToken } from '../../../harness/index.js';
import type { SlotDistribution } from '../asking/query.js';
import { batchQueue } from './batch-queue.js';
import type { Scale, Scales, Spelling } from './values.js';

/** A place in an answer where a value stands. */
export interface Slot {
  readonly scale: Scale;
  /** Whether the answer may begin with a blank, which is then passed over. */
  readonly mayBeBlank: boolean;
}

/** What a model says in one slot. */
export interface ReadSlot {
  /** `null` where no value has any probability. */
  readonly distribution: SlotDistribution | null;
  /** What stands fixed before the value, blanks that were passed over, and the likeliest value. */
  readonly tokens: readonly number[];
}

/** Reads the slot behind a row; `last` says that no other slot of it follows. */
export type ReadOneSlot = (
  row: Int32Array,
  slot: Slot & { readonly last: boolean },
  signal: AbortSignal,
) => Promise<ReadSlot>;

/** As much room before an answer as endpoints are given. */
const MOST_BLANKS = 2;
/** A beginning of a spelling less probable than this is not followed: no more than this can be lost. */
const NEGLIGIBLE = 1e-6;
/** A value more probable than this is looked behind, where an answer that is none begins like it. */
const LOOKED_BEHIND = 0.01;
/** Requests that are worked on together; the reading cuts them up as memory allows. */
const TOGETHER = 256;

function byTokens(one: Int32Array, other: Int32Array): number {
  const length = Math.min(one.length, other.length);
  for (let at = 0; at < length; at++) if (one[at] !== other[at]) return one[at]! - other[at]!;
  return one.length - other.length;
}

export function joined(row: Int32Array, tokens: readonly number[]): Int32Array {
  const longer = new Int32Array(row.length + tokens.length);
  longer.set(row);
  longer.set(tokens, row.length);
  return longer;
}

/** Slots that are asked for at the same time are read side by side. */
export function slotReader(lm: Pick<LanguageModel, 'check' | 'next'>, scales: Scales): ReadOneSlot {
  const { digit, yesNo } = scales;
  const asked = Int32Array.from(
    new Set(
      [digit, yesNo].flatMap(({ spellings, goesOn }) => [
        ...spellings.flatMap(({ tokens }) => tokens),
        ...(goesOn === null ? [] : [goesOn.token]),
      ]),
    ),
  );
  const column = new Map(Array.from(asked, (token, at) => [token, at]));
  const wanted = { tokens: asked, top: 1 };
  const enqueue = batchQueue(
    (rows: readonly { readonly tokens: Int32Array; readonly goesOn: boolean }[]) => lm.next(rows, wanted),
    TOGETHER,
    // What rows share is read once for those that are read together.
    (one, other) => byTokens(one.tokens, other.tokens),
  );
  /** Checked first: what is wrong with one row must not fail those beside it. */
  async function next(tokens: Int32Array, goesOn: boolean, signal: AbortSignal): Promise<NextToken> {
    lm.check(tokens);
    return enqueue({ tokens, goesOn }, signal);
  }

  return async (row, { scale, mayBeBlank, last }, signal) => {
    const goesOn = !last || scale.goesOn !== null || scale.spellings.some(({ tokens }) => tokens.length > 1);
    const before = [...scale.head];
    let answer = await next(joined(row, before), goesOn, signal);
    for (let blanks = 0; mayBeBlank && scales.isBlank(answer.top[0]!.token); blanks++) {
      if (blanks === MOST_BLANKS) return { distribution: null, tokens: before };
      before.push(answer.top[0]!.token);
      answer = await next(joined(row, before), goesOn, signal);
    }

    /** Spellings that share their first `depth` tokens, behind which `answer` was given, with their probabilities. */
    async function weigh(spellings: readonly Spelling[], depth: number, reached: number, answer: NextToken) {
      const weighed: Weighed[] = [];
      for (const token of new Set(spellings.map(({ tokens }) => tokens[depth]!))) {
        const alike = spellings.filter(({ tokens }) => tokens[depth] === token);
        const probability = reached * Math.exp(answer.asked[column.get(token)!]!);
        const longer = alike.filter(({ tokens }) => tokens.length > depth + 1);
        for (const spelling of alike) if (!longer.includes(spelling)) weighed.push({ ...spelling, probability });
        if (longer.length > 0 && probability >= NEGLIGIBLE) {
          const beginning = longer[0]!.tokens.slice(0, depth + 1);
          const further = await next(joined(row, [...before, ...beginning]), goesOn, signal);
          weighed.push(...(await weigh(longer, depth + 1, probability, further)));
        }
      }
      return weighed;
    }
    /** What is left of a spelling's probability when the answers are taken away that only begin like it. */
    async function standsAlone(weighed: Weighed): Promise<Weighed> {
      const { value, tokens, probability } = weighed;
      if (scale.goesOn?.value !== value || !(probability >= LOOKED_BEHIND)) return weighed;
      const behind = await next(joined(row, [...before, ...tokens]), goesOn, signal);
      const goingOn = Math.exp(behind.asked[column.get(scale.goesOn.token)!]!);
      return { ...weighed, probability: probability * Math.max(0, 1 - goingOn) };
    }
    const weighed = await weigh(scale.spellings, 0, 1, answer);
    return chosen(await Promise.all(weighed.map(standsAlone)), before);
  };
}

type Weighed = Spelling & { readonly probability: number };

/** Spellings of one value add up; the likeliest value stands by its likeliest spelling. */
function chosen(weighed: readonly Weighed[], before: readonly number[]): ReadSlot {
  const masses = new Map<number, number>();
  for (const { value, probability } of weighed) masses.set(value, (masses.get(value) ?? 0) + probability);
  // Rounding may carry a certainty above 1.
  const values = Array.from(masses, ([value, mass]) => ({ value, probability: Math.min(1, mass) }));
  values.sort((a, b) => a.value - b.value);
  const [likeliest] = values.toSorted((a, b) => b.probability - a.probability);
  if (likeliest === undefined || !(likeliest.probability > 0)) return { distribution: null, tokens: before };
  const [spelling] = weighed
    .filter(({ value }) => value === likeliest.value)
    .sort((a, b) => b.probability - a.probability);
  return { distribution: { values }, tokens: [...before, ...spelling!.tokens] };
}

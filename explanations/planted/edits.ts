import type { Random } from '../../harness/index.js';
import type { Case, Condition, Program, Strength, TokenSet } from '../program/syntax.js';

type Choice = Extract<Strength, { kind: 'choose' }>;

const NOTHING: Strength = { kind: 'number', value: 0 };

/** The largest number that a choice gives; 9 where it is not that simple. */
function strongest(rating: Strength): number {
  if (rating.kind !== 'choose') return 9;
  const given = rating.cases.map(({ gives }) => (gives.kind === 'number' ? gives.value : 9));
  return Math.max(0, ...given) || 9;
}

/** Fires, as strongly as it ever did, wherever it was silent, and nowhere else. */
export function negated({ classes, rating }: Program): Program {
  const spoke: Condition = { kind: '>', left: rating, right: NOTHING };
  const everywhereElse: Strength = { kind: 'number', value: strongest(rating) };
  return { classes, rating: { kind: 'choose', cases: [{ when: spoke, gives: NOTHING }], otherwise: everywhereElse } };
}

function choiceOf({ rating }: Program): Choice | null {
  return rating.kind === 'choose' && rating.cases.length > 0 ? rating : null;
}

/** Some of the cases are gone: half of them, rounded up, as drawn. `null` where there are fewer than two. */
export function narrowed(program: Program, random: Random): Program | null {
  const choice = choiceOf(program);
  if (choice === null || choice.cases.length < 2) return null;
  const order = random.shuffle([...choice.cases.keys()]);
  const kept = new Set(order.slice(Math.ceil(order.length / 2)));
  return { ...program, rating: { ...choice, cases: choice.cases.filter((_, at) => kept.has(at)) } };
}

/** As many further tokens as the set has members, drawn from `vocabulary`. */
function withMore(set: TokenSet, vocabulary: readonly string[], random: Random): TokenSet {
  const more = set.map(() => random.pick(vocabulary));
  return [...set, ...more.filter((token, at) => !set.includes(token) && more.indexOf(token) === at)];
}

/**
 * Fires in more places: a case that looks back looks back one token less, and one that names only the current token names as
 * many tokens again. `null` where no case is of either kind.
 * @param vocabulary tokens to draw from, as often as each should come
 */
export function broadened(program: Program, vocabulary: readonly string[], random: Random): Program | null {
  const choice = choiceOf(program);
  if (choice === null) return null;
  let changed = false;
  const wider = ({ when, gives }: Case): Case => {
    if (when.kind === 'ngram' && when.slots.length > 1) {
      changed = true;
      const [, ...slots] = when.slots;
      return { when: slots.length === 1 ? { kind: 'in', back: 0, set: slots[0]! } : { kind: 'ngram', slots }, gives };
    }
    if (when.kind === 'in' && when.back === 0) {
      changed = true;
      return { when: { ...when, set: withMore(when.set, vocabulary, random) }, gives };
    }
    return { when, gives };
  };
  const cases = choice.cases.map(wider);
  return changed ? { ...program, rating: { ...choice, cases } } : null;
}

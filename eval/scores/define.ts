import { settleAll, UsageError } from '../../harness/index.js';
import {
  type Abilities,
  type Ability,
  activates,
  checkExample,
  type Judge,
  type MissingReason,
  type QuestionKind,
} from '../../replacements/index.js';
import { notDefined, type UndefinedReason } from './metrics/index.js';
import type { Item, Reply, Score, ScoreKind, Subject } from './score.js';

/** A score of what its kind says: checks, asks, counts what is missing. */
export function score<Kind extends QuestionKind, Truth>(kind: ScoreKind<Kind, Truth>): Score {
  const { id, version, asks, needs, measures, range, chance, without = 'too few examples' } = kind;
  const ask = (subject: Subject) => (lacking(kind, subject) === null ? kind.put(subject) : { items: [], unusable: 0 });
  return {
    id,
    version,
    asks,
    needs,
    measures,
    range,
    chance,
    questions(subject) {
      subject.examples.forEach(checkExample);
      return ask(subject).items.length;
    },
    async measure(subject, judge, signal, { underWay = 64 } = {}) {
      subject.examples.forEach(checkExample);
      const ability = abilityOf(judge, asks, id);
      const { items, unusable } = ask(subject);
      const { replies, reasons } = await replied(items, ability, underWay, signal);
      for (const { answer } of replies) reasons.push(...new Set(kind.missingParts?.(answer) ?? []));
      const missing: Partial<Record<MissingReason, number>> = {};
      for (const why of reasons) missing[why] = (missing[why] ?? 0) + 1;
      const lack = lacking(kind, subject) ?? (items.length === 0 ? without : null);
      const none = lack ?? (replies.length === 0 ? 'no answers' : null);
      const { value, details } = none === null ? kind.read(replies) : { value: notDefined(none), details: {} };
      return { score: id, version, judge: judge.id, value, details, asked: items.length, missing, unusable };
    },
  };
}

function abilityOf<Kind extends QuestionKind>(judge: Judge, asks: Kind, id: string): Ability<Kind> {
  const abilities: Abilities = judge;
  const ability: Ability<Kind> | undefined = abilities[asks];
  if (ability !== undefined) return ability;
  throw new UsageError(
    'JUDGE_UNABLE',
    `The judge ${judge.id} cannot answer what the score ${id} asks (${asks}).`,
    'Choose a judge that can: docs/scores.md says which judge serves which score.',
  );
}

interface Lacks extends Pick<Score, 'needs'> {
  readonly without?: UndefinedReason;
}

function lacking({ needs, without = 'too few examples' }: Lacks, { explanation, examples, steered = [] }: Subject) {
  const lacks: readonly [boolean, UndefinedReason][] = [
    [needs.explanation && explanation === null, 'no explanation'],
    [examples.filter(activates).length < needs.activating, 'too few examples'],
    [examples.filter((example) => !activates(example)).length < needs.silent, 'too few examples'],
    [steered.length < needs.steered, without],
  ];
  return lacks.find(([isLacking]) => isLacking)?.[1] ?? null;
}

/** Answers in the order of the questions, whenever they came; after a failure no more is asked, and waited for the rest. */
async function replied<Kind extends QuestionKind, Truth>(
  items: readonly Item<Kind, Truth>[],
  ability: Ability<Kind>,
  underWay: number,
  signal: AbortSignal,
): Promise<{ readonly replies: Reply<Kind, Truth>[]; readonly reasons: MissingReason[] }> {
  const answers = Array<Awaited<ReturnType<Ability<Kind>>>>(items.length);
  let next = 0;
  let failed = false;
  const worker = async (): Promise<void> => {
    while (!failed && next < items.length) {
      const at = next++;
      try {
        signal.throwIfAborted();
        answers[at] = await ability(items[at]!.question, signal);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await settleAll(Array.from({ length: Math.min(underWay, items.length) }, worker));
  const replies: Reply<Kind, Truth>[] = [];
  const reasons: MissingReason[] = [];
  for (const [at, answer] of answers.entries()) {
    if ('missing' in answer) reasons.push(answer.missing);
    else replies.push({ truth: items[at]!.truth, answer: answer.value });
  }
  return { replies, reasons };
}

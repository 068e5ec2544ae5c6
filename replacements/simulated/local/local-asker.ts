import { type LanguageModel, type Model, openLanguageModel, type ReadingOptions } from '../../../harness/index.js';
import type { Asker, Expects, Query, SlotAnswer, SlotDistribution } from '../asking/query.js';
import { type Alarm, AlarmWatch } from '../endpoints/alarms.js';
import { systemClock } from '../endpoints/clock.js';
import { Meter } from '../endpoints/usage.js';
import { ANY_MESSAGES, type ChatPrompt, openChatPrompt } from './chat-prompt.js';
import { readGenerationConfig } from './generation-config.js';
import { joined, type Slot, slotReader } from './slot-reader.js';
import { scalesOf } from './values.js';

export interface LocalAskerOptions extends ReadingOptions {
  /** Opened by the harness; it stays open when the asker is disposed of. */
  readonly model: Model;
  /** Told once of each kind: answers all alike, ratings with little probability, ratings that are missing. */
  readonly onAlarm?: (alarm: Alarm) => void;
}

/** What was asked and what it took, so far. */
export interface LocalUsage {
  readonly queries: number;
  /** Tokens of prompts, and of answers: those that a server would count. */
  readonly tokensIn: number;
  readonly tokensOut: number;
  /** Tokens that went through the model. */
  readonly tokensRead: number;
  /** Tokens whose keys and values were there already. */
  readonly tokensReused: number;
}

/** As of late; `null` before the first answer. */
export interface LocalProgress {
  readonly perSecond: number | null;
  readonly secondsLeft: number | null;
}

export interface LocalAsker extends Asker {
  readonly usage: LocalUsage;
  /** Raised so far, each kind once. */
  readonly alarms: readonly Alarm[];
  /** Pace and time left. @param remaining questions that still have to be read */
  progress(remaining: number): LocalProgress;
  /** Which savings are used, in words, for logs; those that are not, with the reason. */
  readonly notes: readonly string[];
  dispose(): Promise<void>;
}

/**
 * A causal language model of this machine that answers by its probabilities: no text is generated and parsed.
 *
 * A digit, or yes or no, is read where the likeliest answer has its first token that is not blank. Ratings of a list are
 * read one after another behind `{"ratings": [`, each after the likeliest digits before it. Probabilities are those of all
 * spellings of a value that are tokens. What goes on from a 1 to "10" is no rating: its probability is not that of 1.
 *
 * Queries that wait at the same time are read side by side, and what their prompts share is read once. The same query
 * gives the same distribution but for float32 rounding, about 1e-6, which depends on what is read beside it.
 * @throws {UsageError} from the tokenizer, the chat template and the model; `VALUES_UNREADABLE` for a vocabulary in which
 *   digits cannot be told apart; from `ask`, `PROMPT_TOO_LONG` where prompt and answer exceed the model's context
 */
export async function localAsker({ model, onAlarm, ...reading }: LocalAskerOptions): Promise<LocalAsker> {
  const tokenizer = await model.tokenizer();
  const prompt = await openChatPrompt(model.folder, tokenizer, model.contextLength);
  const { mostTokens } = await readGenerationConfig(model.folder);
  const scales = scalesOf(tokenizer, model.vocabulary, prompt.render(ANY_MESSAGES));
  const lm = await openLanguageModel(model, reading);
  const read = slotReader(lm, scales);
  const usage = { queries: 0, tokensIn: 0, tokensOut: 0 };
  const watch = new AlarmWatch((alarm) => onAlarm?.(alarm));
  const meter = new Meter(null, systemClock);
  const { yesNo, firstOfList, nextOfList } = scales;
  // Behind the only token that a model answers with, "10" cannot go on.
  const digit = mostTokens === 1 ? { ...scales.digit, goesOn: null } : scales.digit;

  /** The slots of an answer, in order. */
  function slotsOf(expects: Expects): readonly Slot[] {
    switch (expects.kind) {
      case 'digit':
        return [{ scale: digit, mayBeBlank: true }];
      case 'yes-no':
        return [{ scale: yesNo, mayBeBlank: true }];
      case 'digits':
        return Array.from({ length: expects.count }, (_, at) => ({
          scale: at === 0 ? firstOfList : nextOfList,
          mayBeBlank: false,
        }));
    }
  }

  return {
    id: `local:${model.name}`,
    notes: notesOf(lm, prompt),
    get usage() {
      return { ...usage, tokensRead: lm.work.read, tokensReused: lm.work.reused };
    },
    get alarms() {
      return watch.raised;
    },
    progress(remaining) {
      const { perSecond, secondsLeft } = meter.progress(remaining);
      return { perSecond, secondsLeft };
    },
    async ask(query, signal): Promise<SlotAnswer> {
      signal.throwIfAborted();
      const slots = slotsOf(query.expects);
      let row = prompt.encode(messagesOf(query));
      lm.check(
        row,
        slots.reduce((sum, { scale }, at) => sum + scale.head.length + Number(at > 0 || scale.goesOn !== null), 0),
      );
      usage.queries++;
      meter.count('calls');
      usage.tokensIn += row.length;
      const rated: (SlotDistribution | null)[] = [];
      for (const [at, slot] of slots.entries()) {
        const answer = await read(row, { ...slot, last: at === slots.length - 1 }, signal);
        usage.tokensOut += answer.tokens.length;
        rated.push(answer.distribution);
        // Behind no digit there is no second one.
        if (answer.distribution === null) break;
        row = joined(row, answer.tokens);
      }
      const answer: SlotAnswer = { kind: 'rated', slots: slots.map((_, at) => rated[at] ?? null) };
      meter.answered();
      watch.saw(answer);
      return answer;
    },
    dispose: () => lm.dispose(),
  };
}

const messagesOf = ({ system, user }: Pick<Query, 'system' | 'user'>) =>
  [
    { role: 'system', content: system },
    { role: 'user', content: user },
  ] as const;

function notesOf({ reuse, batching, batchingOn }: LanguageModel, { kind }: ChatPrompt): string[] {
  const savings = [
    [reuse, 'shared beginnings of prompts are read once', 'every prompt is read from its first token'],
    [batching, 'prompts are read side by side', 'prompts are read one after another'],
    [batchingOn, 'what follows a shared beginning is read side by side', 'what follows it is read one after another'],
  ] as const;
  return [
    kind === 'plain' ? 'no chat template: prompts are plain text' : "prompts are written by the model's chat template",
    ...savings.map(([proof, used, unused]) => (proof.available ? used : `${unused}: ${proof.why}`)),
  ];
}

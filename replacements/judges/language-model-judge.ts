import type { TextLosses, Tokenizer } from '../../harness/index.js';
import type { SurprisalAnswer, SurprisalQuery } from '../simulated/asking/surprisal.js';
import { surprisalKey } from '../simulated/endpoints/index.js';
import type { AnswerStore } from '../simulated/index.js';
import type { Answered, AnswerOf, Given, Judge } from './judge.js';
import { type JudgePrompts, ourJudgePrompts } from './prompts.js';

/** Where a model's answers are kept, so that it reads nothing twice. */
export interface KeptSurprisals {
  /** What tells the model from every other one whose answers lie there: over its weights, not its name. */
  readonly model: string;
  readonly store: Pick<AnswerStore<SurprisalAnswer>, 'getOrAsk'>;
}

export interface LanguageModelJudgeOptions {
  /** Short name in tables. */
  readonly id: string;
  readonly prompts?: JudgePrompts;
  /** Default: nowhere. */
  readonly kept?: KeptSurprisals;
}

/** What an answer is to whoever asked. */
function surprisalOf(answer: SurprisalAnswer | null): Answered<AnswerOf<'surprisal'>> {
  if (answer === null) return { missing: 'failed' };
  switch (answer.kind) {
    case 'read':
      return { value: { nats: answer.nats, tokens: answer.tokens } };
    case 'unreadable':
      return { missing: 'unreadable answer' };
  }
}

/**
 * A causal language model that is surprised or not; it answers no question in words. What is given is put into a plain
 * preamble, and the text is read behind it, all in one run of the model. Text and preamble are tokenized apart, so that the
 * same text is the same tokens after whatever is given. An answer that is kept is not read again.
 * @throws {UsageError} from `surprisal`, `PROMPT_TOO_LONG` where preamble and text exceed the model's context
 */
export function languageModelJudge(
  lm: Pick<TextLosses, 'losses'>,
  tokenizer: Tokenizer,
  { id, prompts = ourJudgePrompts, kept }: LanguageModelJudgeOptions,
): Judge & Required<Pick<Judge, 'surprisal'>> {
  const preamble = (given: Given): string => {
    switch (given.kind) {
      case 'explanation':
        return prompts.explained(given.explanation);
      case 'continuation':
        return prompts.continued(given.text);
    }
  };
  async function read({ before, text }: SurprisalQuery): Promise<SurprisalAnswer> {
    const given = tokenizer.encode(before);
    const tokens = tokenizer.encode(text, { special: false });
    const whole = new Int32Array(given.length + tokens.length);
    whole.set(given);
    whole.set(tokens, given.length);
    const losses = tokens.length === 0 ? new Float32Array(0) : await lm.losses(whole, given.length);
    const nats = losses.reduce((sum, loss) => sum + loss, 0);
    // A token of probability 0 surprises without bound, and would take every mean with it.
    return Number.isFinite(nats) ? { kind: 'read', nats, tokens: tokens.length } : { kind: 'unreadable' };
  }
  return {
    id,
    async surprisal({ text, given }, signal) {
      signal.throwIfAborted();
      const query = { before: preamble(given), text };
      const ask = async (): Promise<SurprisalAnswer> => {
        // What waited for the store may have been told to stop meanwhile.
        signal.throwIfAborted();
        return read(query);
      };
      return surprisalOf(await (kept?.store.getOrAsk(surprisalKey(kept.model, query), ask) ?? ask()));
    },
  };
}

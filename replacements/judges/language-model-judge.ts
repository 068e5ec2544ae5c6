import type { TextLosses, Tokenizer } from '../../harness/index.js';
import type { Given, Judge } from './judge.js';
import { type JudgePrompts, ourJudgePrompts } from './prompts.js';

/**
 * A causal language model that is surprised or not; it answers no question in words. What is given is put into a plain
 * preamble, and the text is read behind it, all in one run of the model. Text and preamble are tokenized apart, so that the
 * same text is the same tokens after whatever is given.
 * @throws {UsageError} from `surprisal`, `PROMPT_TOO_LONG` where preamble and text exceed the model's context
 */
export function languageModelJudge(
  lm: Pick<TextLosses, 'losses'>,
  tokenizer: Tokenizer,
  { id, prompts = ourJudgePrompts }: { readonly id: string; readonly prompts?: JudgePrompts },
): Judge & Required<Pick<Judge, 'surprisal'>> {
  const preamble = (given: Given): string => {
    switch (given.kind) {
      case 'explanation':
        return prompts.explained(given.explanation);
      case 'continuation':
        return prompts.continued(given.text);
    }
  };
  return {
    id,
    async surprisal({ text, given }, signal) {
      signal.throwIfAborted();
      const before = tokenizer.encode(preamble(given));
      const tokens = tokenizer.encode(text, { special: false });
      const whole = new Int32Array(before.length + tokens.length);
      whole.set(before);
      whole.set(tokens, before.length);
      const losses = tokens.length === 0 ? new Float32Array(0) : await lm.losses(whole, before.length);
      const nats = losses.reduce((sum, loss) => sum + loss, 0);
      // A token of probability 0 surprises without bound, and would take every mean with it.
      return Number.isFinite(nats) ? { value: { nats, tokens: tokens.length } } : { missing: 'unreadable answer' };
    },
  };
}

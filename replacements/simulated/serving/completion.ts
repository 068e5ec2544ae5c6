/** A token and its natural-log probability, as the model has it. */
export interface ServedAlternative {
  readonly token: string;
  readonly logprob: number;
}

/** A token of an answer. */
export interface ServedToken extends ServedAlternative {
  /** The likeliest alternatives, itself included, the likeliest first. None where the answer was held to this token. */
  readonly top: readonly ServedAlternative[];
}

/** An answer, token by token. */
export interface Completion {
  readonly tokens: readonly ServedToken[];
  /** `stop`: the model ended it, or the list that it was held to is complete. `length`: the limit of tokens did. */
  readonly finish: 'stop' | 'length';
  readonly promptTokens: number;
  readonly answerTokens: number;
}

/** JSON has no −∞; OpenAI writes this in its place. */
const NEVER = -9999;

/**
 * @param alternatives how many of them are wanted at each token; `null` without logprobs
 * @param id the answer's own
 * @param created seconds since 1970
 */
export function completionBody(
  { tokens, finish, promptTokens, answerTokens }: Completion,
  { model, alternatives, id, created }: { model: string; alternatives: number | null; id: string; created: number },
): object {
  const shown = ({ token, logprob }: ServedAlternative) => ({
    token,
    logprob: Math.max(NEVER, logprob),
    bytes: [...new TextEncoder().encode(token)],
  });
  const content = (most: number) =>
    tokens.map(({ top, ...token }) => ({ ...shown(token), top_logprobs: top.slice(0, most).map(shown) }));
  const message = { role: 'assistant', content: tokens.map(({ token }) => token).join(''), refusal: null };
  const logprobs = alternatives === null ? null : { content: content(alternatives), refusal: null };
  return {
    id,
    object: 'chat.completion',
    created,
    model,
    choices: [{ index: 0, message, logprobs, finish_reason: finish }],
    usage: {
      prompt_tokens: promptTokens,
      completion_tokens: answerTokens,
      total_tokens: promptTokens + answerTokens,
    },
  };
}

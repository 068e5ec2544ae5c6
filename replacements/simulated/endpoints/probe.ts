import type { Expects, Query } from '../asking/query.js';
import type { Capabilities } from './capabilities.js';
import { CallFailed } from './failure.js';
import { requestBody } from './request.js';
import type { Generated, Received } from './response.js';
import { digitOf, slotAnswer } from './slots.js';
import type { Api, Body } from './transport.js';

/** Sends one call and reads the answer. @throws {CallFailed} for what no retry mended */
export type ProbeCall = (api: Api, body: Body) => Promise<Received>;

const DIGIT: Query = {
  system: 'Answer with one digit and nothing else.',
  user: 'Any digit from 0 to 9, at random:',
  expects: { kind: 'digit' },
};
const LIST_LENGTH = 5;
/** Only a server that holds the answer to the schema answers this with a list. */
const NOT_A_LIST: Query = {
  system: 'Answer with one word and nothing else.',
  user: 'Say hello:',
  expects: { kind: 'digits', count: LIST_LENGTH },
};
const LIST: Query = {
  system: 'Answer with JSON and nothing else.',
  user: 'Complete with one digit a place: {"ratings": [first, second, third, fourth, fifth]}',
  expects: { kind: 'digits', count: LIST_LENGTH },
};

const ECHOED = '0 1 2 3 4 5';

/** Whether a request is one of a probe's, by the whole text of its question. For servers in tests. */
export function isProbe(content: string): boolean {
  return content.trim() === ECHOED || [DIGIT, NOT_A_LIST, LIST].some(({ user }) => content.trimEnd().endsWith(user));
}

/** How many alternatives are asked for: servers allow 20, some only 5. */
const TOP_STEPS = [20, 10, 5, 0] as const;
/** How many more tokens a preamble is given. */
const PREAMBLE_STEPS = [512, 2048] as const;

type Seen = { -readonly [K in keyof Capabilities]: Capabilities[K] };

/** What to leave out or rename after a call was not understood; `false` when nothing is left to try. */
function concede(seen: Seen, says: string): boolean {
  if (seen.tokenLimit === 'max_tokens' && /max_completion_tokens/i.test(says)) {
    seen.tokenLimit = 'max_completion_tokens';
    return true;
  }
  if (seen.temperature !== 'rejected' && /temperature/i.test(says)) {
    seen.temperature = 'rejected';
    return true;
  }
  const step = TOP_STEPS.findIndex((top) => top < seen.topLogprobs);
  if (step >= 0 && !/chat.?template/i.test(says)) {
    seen.topLogprobs = TOP_STEPS[step]!;
    return true;
  }
  if (seen.api === 'completions') return false;
  seen.api = 'completions';
  seen.topLogprobs = TOP_STEPS[0];
  return true;
}

const thinks = ({ text, cut, reasoned }: Generated): boolean =>
  /^\s*<think/i.test(text) || (text.trim() === '' && (cut || reasoned));

function answersDigit(generated: Generated): boolean {
  const answer = slotAnswer(generated, DIGIT.expects, 'value');
  return answer.kind === 'rated' && answer.slots[0] !== null;
}

function answersList(generated: Generated): boolean {
  const answer = slotAnswer(generated, LIST.expects, 'value');
  return answer.kind === 'rated' && answer.slots.every((slot) => slot !== null);
}

const mostAlternatives = ({ tokens }: Generated): number =>
  tokens.reduce((most, { top }) => Math.max(most, top.length), 0);

/** Probability of the likeliest first token; `null` where it is not given. */
function certainty({ tokens }: Generated): number | null {
  const top = tokens[0]?.top ?? [];
  return top.length === 0 ? null : Math.exp(Math.max(...top.map(({ logprob }) => logprob)));
}

/** From here on all probability is on one token. */
const DEGENERATE = 1 - 1e-6;

/**
 * Finds out by a few tiny calls what an endpoint can do: three to five for single answers, two to five more for lists.
 * @param expects the kinds of answers that will be asked for
 * @throws {CallFailed} where it cannot be asked: a rejected key, an unknown model, a preamble without an end
 */
export async function probe(
  call: ProbeCall,
  model: string,
  expects: readonly Expects['kind'][],
  extra: Body = {},
): Promise<Capabilities> {
  const seen: Seen = {
    api: 'chat',
    topLogprobs: TOP_STEPS[0],
    promptLogprobs: 0,
    structured: null,
    digitIsToken: null,
    temperature: 'honoured',
    tokenLimit: 'max_tokens',
    preambleTokens: 0,
  };
  const ask = async (query: Query): Promise<Generated> =>
    (await call(seen.api, requestBody(model, query, seen, extra))).generated;
  /** `null` where the question is not taken as it is put. */
  const tryTo = async (query: Query): Promise<Generated | null> => {
    try {
      return await ask(query);
    } catch (error) {
      if (error instanceof CallFailed && error.failure.kind === 'question') return null;
      throw error;
    }
  };

  const first = await understood(seen, () => ask(DIGIT));
  const answer = await patiently(seen, first, () => ask(DIGIT));
  const answers = [answer, ...(await checkTemperature(seen, answer, ask, tryTo))];
  // Some give one more than was asked for, some fewer, and some only one at temperature 0.
  seen.topLogprobs = Math.min(seen.topLogprobs, Math.max(...answers.map(mostAlternatives)));
  if (expects.includes('digits')) {
    await checkLists(seen, tryTo);
    seen.promptLogprobs = await promptAlternatives(call, model);
  }
  return seen;
}

/** Asks until a form of the question is taken. */
async function understood(seen: Seen, ask: () => Promise<Generated>): Promise<Generated> {
  let unknown: CallFailed | null = null;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error;
      const { failure } = error;
      // A server without chat says 404 to its path, as others do to the model.
      if (failure.kind === 'endpoint' && failure.fault === 'ENDPOINT_UNKNOWN_MODEL' && seen.api === 'chat') {
        unknown = error;
        seen.api = 'completions';
        continue;
      }
      if (failure.kind === 'question' && concede(seen, failure.says)) continue;
      if (unknown !== null) throw unknown;
      if (failure.kind !== 'question') throw error;
      throw new CallFailed({ kind: 'endpoint', fault: 'ENDPOINT_UNREADABLE', says: failure.says });
    }
  }
}

/** Gives a model that thinks first as many tokens as it needs. */
async function patiently(seen: Seen, first: Generated, ask: () => Promise<Generated>): Promise<Generated> {
  if (!thinks(first)) return first;
  for (const tokens of PREAMBLE_STEPS) {
    seen.preambleTokens = tokens;
    const answer = await ask();
    if (answersDigit(answer)) return answer;
  }
  const says = `no digit within ${seen.preambleTokens} tokens`;
  throw new CallFailed({ kind: 'endpoint', fault: 'ENDPOINT_THINKS', says });
}

/** @returns the answers that it took */
async function checkTemperature(
  seen: Seen,
  answer: Generated,
  ask: (query: Query) => Promise<Generated>,
  tryTo: (query: Query) => Promise<Generated | null>,
): Promise<Generated[]> {
  if (seen.temperature === 'rejected') return [];
  const sure = certainty(answer);
  if (sure !== null && sure >= DEGENERATE) {
    seen.temperature = 'reshapes';
    // A server that never draws may take temperature 0 alone; it has nothing to reshape.
    const warm = await tryTo(DIGIT);
    const graded = warm && certainty(warm);
    if (warm !== null && graded !== null && graded < DEGENERATE) return [warm];
    seen.temperature = 'honoured';
  }
  const repeats: Generated[] = [];
  // Two samples may agree by chance; three seldom do.
  while (repeats.length < 2 && seen.temperature === 'honoured') {
    const repeat = await ask(DIGIT);
    repeats.push(repeat);
    if (repeat.text !== answer.text) seen.temperature = 'ignored';
  }
  return repeats;
}

async function checkLists(seen: Seen, tryTo: (query: Query) => Promise<Generated | null>): Promise<void> {
  for (const field of ['response_format', 'guided_json'] as const) {
    seen.structured = field;
    const held = await tryTo(NOT_A_LIST);
    if (held !== null && answersList(held)) {
      seen.digitIsToken = digitsStandAlone(held);
      return;
    }
  }
  seen.structured = null;
  const list = await tryTo(LIST);
  if (list !== null) seen.digitIsToken = digitsStandAlone(list);
}

/** `null` where no token with a digit was seen. */
function digitsStandAlone({ tokens }: Generated): boolean | null {
  const withDigits = tokens.filter(({ token }) => /[0-9]/.test(token));
  return withDigits.length === 0 ? null : withDigits.every(({ token }) => digitOf(token) !== null);
}

/** Alternatives that the server gives at tokens of the prompt itself, by the echo of the completions API. */
async function promptAlternatives(call: ProbeCall, model: string): Promise<number> {
  try {
    const body = { model, prompt: ECHOED, max_tokens: 1, temperature: 0, echo: true, logprobs: 5 };
    const { tokens } = (await call('completions', body)).generated;
    const echoed = tokens.slice(0, -1);
    return echoed
      .map(({ token }) => token)
      .join('')
      .trim()
      .startsWith(ECHOED.slice(0, 3))
      ? mostAlternatives({ text: '', tokens: echoed, refused: false, cut: false, reasoned: false })
      : 0;
  } catch (error) {
    // Whatever the reason, the rest of the endpoint works.
    if (error instanceof CallFailed) return 0;
    throw error;
  }
}

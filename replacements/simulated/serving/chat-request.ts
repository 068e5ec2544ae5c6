import { z } from 'zod';
import type { ChatMessage } from '../local/chat-prompt.js';
import { ratingsOfSchema } from './list-schema.js';
import { RequestRefused } from './refusal.js';

/** Alternatives at a token, at most: as many as OpenAI gives. */
export const MOST_ALTERNATIVES = 20;

/** What is asked for, of all that the API has. */
export interface ChatRequest {
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  /** `null`: as many as there is room for. */
  readonly maxTokens: number | null;
  /** Alternatives at each token of the answer; `null` without logprobs. */
  readonly alternatives: number | null;
  /** The answer is held to a list of so many ratings; `null` where it is free. */
  readonly ratings: number | null;
}

const textPart = z.strictObject({ type: z.literal('text'), text: z.string() }, 'only text can be read');
const messageSchema = z.strictObject({
  role: z.enum(['system', 'user', 'assistant'], 'roles are system, user and assistant'),
  content: z
    .union(
      [z.string(), z.array(textPart).transform((parts) => parts.map(({ text }) => text).join(''))],
      'a text, or a list of parts of type text: nothing else can be read',
    )
    .refine((text) => text.trim() !== '', 'the text is empty'),
});

const GREEDY = 'the likeliest token is taken at each place, and none is drawn: set `temperature` to 0';
const whole = z.int('a whole number of tokens, at least 1').positive('a whole number of tokens, at least 1');
const alternatives = `a whole number from 0 to ${MOST_ALTERNATIVES}: at most ${MOST_ALTERNATIVES} alternatives are given`;

/** Fields are all that the API has and this server can do. Any other is refused. */
const requestSchema = z.strictObject({
  model: z.string('the name that `GET /v1/models` gives'),
  messages: z.array(messageSchema, 'a list of messages, each with `role` and `content`').min(1, 'there is no message'),
  temperature: z.literal(0, GREEDY),
  max_tokens: whole.optional(),
  max_completion_tokens: whole.optional(),
  logprobs: z.boolean('true or false').optional(),
  top_logprobs: z.int(alternatives).min(0, alternatives).max(MOST_ALTERNATIVES, alternatives).optional(),
  n: z.literal(1, 'one answer is given to a request').optional(),
  stream: z.literal(false, 'answers are sent whole: streaming is not supported').optional(),
  response_format: z
    .union(
      [
        z.strictObject({ type: z.literal('text') }),
        z.looseObject({ type: z.literal('json_schema'), json_schema: z.looseObject({ schema: z.unknown() }) }),
      ],
      'answers can be `text`, or held to a `json_schema`',
    )
    .optional(),
  guided_json: z.unknown().optional(),
  // Of no effect where the likeliest token is taken.
  top_p: z.number('a number above 0, at most 1').gt(0).max(1).optional(),
  seed: z.int('a whole number').optional(),
  // Of no effect as long as they are neutral.
  frequency_penalty: z.literal(0, 'penalties are not supported').optional(),
  presence_penalty: z.literal(0, 'penalties are not supported').optional(),
  logit_bias: z.strictObject({}, 'biases are not supported').optional(),
  // Of no meaning for the answer.
  user: z.string('a text').optional(),
  metadata: z.record(z.string(), z.string(), 'texts by name').optional(),
});
type Parsed = z.output<typeof requestSchema>;

/**
 * A request to `/v1/chat/completions`, checked: what cannot be done as it is asked for is refused, never left out.
 * @throws {RequestRefused} 400, naming the field
 */
export function readChatRequest(body: unknown): ChatRequest {
  const { success, data, error } = requestSchema.safeParse(withoutNulls(body));
  if (!success) throw asRefusal(error);
  if (data.top_logprobs !== undefined && data.logprobs !== true) {
    throw unsupported('top_logprobs', 'alternatives come with `logprobs: true` only');
  }
  return {
    model: data.model,
    messages: data.messages,
    maxTokens: limitOf(data),
    alternatives: data.logprobs === true ? (data.top_logprobs ?? 0) : null,
    ratings: ratingsOf(data),
  };
}

/** Clients write `null` for what they do not ask for: as good as left out, whatever the field. */
function withoutNulls(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body;
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null));
}

const unsupported = (param: string, why: string): RequestRefused =>
  new RequestRefused(400, 'unsupported_value', `\`${param}\`: ${why}.`, param);

function asRefusal({ issues: [issue] }: z.ZodError): RequestRefused {
  if (issue === undefined) throw new TypeError('nothing was wrong');
  const place = issue.path.map(String).join('.');
  if (issue.code !== 'unrecognized_keys') {
    const words = place === '' ? 'the body is a JSON object' : issue.message;
    return new RequestRefused(400, 'invalid_value', `\`${place || 'body'}\`: ${words}.`, place || null);
  }
  const field = [place, issue.keys[0]!].filter((part) => part !== '').join('.');
  const message = `\`${field}\` is not supported by this server, and leaving it out could change what the answer means.`;
  return new RequestRefused(400, 'unsupported_parameter', message, field);
}

function limitOf({ max_tokens: older, max_completion_tokens: newer }: Parsed): number | null {
  if (older !== undefined && newer !== undefined && older !== newer) {
    throw unsupported('max_tokens', 'another limit than `max_completion_tokens`');
  }
  return newer ?? older ?? null;
}

function ratingsOf({ response_format: format, guided_json: guided }: Parsed): number | null {
  const held =
    format?.type === 'json_schema'
      ? { param: 'response_format', schema: format.json_schema.schema }
      : guided === undefined
        ? null
        : { param: 'guided_json', schema: guided };
  if (held === null) return null;
  const count = ratingsOfSchema(held.schema);
  if (count !== null) return count;
  throw unsupported(
    held.param,
    'the only schema that answers can be held to is {"ratings": [d, …]} with a fixed number of digits from 0 to 9',
  );
}

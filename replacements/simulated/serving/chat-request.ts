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
    .union([z.string(), z.array(textPart).transform((parts) => parts.map(({ text }) => text).join(''))])
    .refine((text) => text.trim() !== '', 'the text is empty'),
});

const GREEDY = 'the likeliest token is taken at each place, and none is drawn: set `temperature` to 0';
const whole = z.int().positive();

/** Fields are all that the API has and this server can do; `null` is as good as left out. Any other is refused. */
const requestSchema = z.strictObject({
  model: z.string(),
  messages: z.array(messageSchema).min(1, 'there is no message'),
  temperature: z.literal(0, GREEDY),
  max_tokens: whole.nullish(),
  max_completion_tokens: whole.nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().min(0).max(MOST_ALTERNATIVES, `at most ${MOST_ALTERNATIVES} alternatives are given`).nullish(),
  n: z.literal(1, 'one answer is given to a request').nullish(),
  stream: z.literal(false, 'answers are sent whole: streaming is not supported').nullish(),
  response_format: z
    .union(
      [
        z.strictObject({ type: z.literal('text') }),
        z.looseObject({ type: z.literal('json_schema'), json_schema: z.looseObject({ schema: z.unknown() }) }),
      ],
      'answers can be `text`, or held to a `json_schema`',
    )
    .nullish(),
  guided_json: z.unknown().optional(),
  // Of no effect where the likeliest token is taken.
  top_p: z.number().gt(0).max(1).nullish(),
  seed: z.int().nullish(),
  // Of no effect as long as they are neutral.
  frequency_penalty: z.literal(0, 'penalties are not supported').nullish(),
  presence_penalty: z.literal(0, 'penalties are not supported').nullish(),
  logit_bias: z.strictObject({}, 'biases are not supported').nullish(),
  // Of no meaning for the answer.
  user: z.string().nullish(),
  metadata: z.record(z.string(), z.string()).nullish(),
});
type Parsed = z.output<typeof requestSchema>;

/**
 * A request to `/v1/chat/completions`, checked: what cannot be done as it is asked for is refused, never left out.
 * @throws {RequestRefused} 400, naming the field
 */
export function readChatRequest(body: unknown): ChatRequest {
  const { success, data, error } = requestSchema.safeParse(body);
  if (!success) throw asRefusal(error);
  if (data.top_logprobs != null && data.logprobs !== true) {
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
  if (older != null && newer != null && older !== newer) {
    throw unsupported('max_tokens', 'another limit than `max_completion_tokens`');
  }
  return newer ?? older ?? null;
}

function ratingsOf({ response_format: format, guided_json: guided }: Parsed): number | null {
  const held =
    format?.type === 'json_schema'
      ? { param: 'response_format', schema: format.json_schema.schema }
      : guided == null
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

import { describe, expect, it } from 'vitest';
import { requestBody } from '../endpoints/request.js';
import { readChatRequest } from './chat-request.js';

const PLAIN = { model: 'm', messages: [{ role: 'user', content: 'One digit:' }], temperature: 0 };
const ENDPOINT = {
  api: 'chat',
  topLogprobs: 20,
  promptLogprobs: 0,
  structured: 'response_format',
  digitIsToken: true,
  temperature: 'honoured',
  tokenLimit: 'max_tokens',
  preambleTokens: 0,
} as const;
const QUERY = { system: 'Rate.', user: 'the cat' };

describe('a chat request', () => {
  it('is read as our own client puts a question', () => {
    expect(readChatRequest(requestBody('m', { ...QUERY, expects: { kind: 'digit' } }, ENDPOINT))).toEqual({
      model: 'm',
      messages: [
        { role: 'system', content: 'Rate.' },
        { role: 'user', content: 'the cat' },
      ],
      maxTokens: 3,
      alternatives: 20,
      ratings: null,
    });
  });

  it.each(['response_format', 'guided_json'] as const)('is held to a list of ratings by %s', (structured) => {
    const query = { ...QUERY, expects: { kind: 'digits', count: 7 } } as const;
    expect(readChatRequest(requestBody('m', query, { ...ENDPOINT, structured })).ratings).toBe(7);
  });

  it('takes text in parts, and what changes nothing', () => {
    const content = ['One ', 'digit:'].map((text) => ({ type: 'text', text }));
    const neutral = { n: 1, stream: false, seed: 7, top_p: 0.5, user: 'me', presence_penalty: 0, logit_bias: {} };
    const request = { ...PLAIN, ...neutral, stop: undefined, messages: [{ role: 'user', content }] };
    const { stop: _, ...sent } = request;
    expect(readChatRequest({ ...sent, response_format: { type: 'text' } })).toEqual({
      model: 'm',
      messages: [{ role: 'user', content: 'One digit:' }],
      maxTokens: null,
      alternatives: null,
      ratings: null,
    });
  });

  it('takes null for what is left out, whatever the field', () => {
    const nothing = { stop: null, tools: null, stream: null, max_tokens: null, top_logprobs: null, guided_json: null };
    expect(readChatRequest({ ...PLAIN, ...nothing })).toEqual(readChatRequest(PLAIN));
    expect(() => readChatRequest({ ...PLAIN, temperature: null })).toThrow(/set `temperature` to 0/);
  });

  const schema = (...digits: number[]) => ({
    type: 'json_schema',
    json_schema: { name: 'x', schema: { type: 'array', items: { enum: digits } } },
  });
  it.each<[string, object, string | null, RegExp]>([
    ['streaming', { stream: true }, 'stream', /streaming is not supported/],
    ['several answers', { n: 2 }, 'n', /one answer/],
    ['sampling', { temperature: 0.7 }, 'temperature', /set `temperature` to 0/],
    ['no word on sampling, which means sampling', { temperature: undefined }, 'temperature', /none is drawn/],
    ['a field that it does not know', { repetition_penalty: 1.1 }, 'repetition_penalty', /not supported/],
    ['tools', { tools: [] }, 'tools', /could change what the answer means/],
    ['words that end an answer', { stop: ['.'] }, 'stop', /not supported/],
    ['penalties', { frequency_penalty: 1 }, 'frequency_penalty', /penalties/],
    ['biases', { logit_bias: { 50: 100 } }, 'logit_bias.50', /not supported/],
    ['more alternatives than there are', { logprobs: true, top_logprobs: 21 }, 'top_logprobs', /at most 20/],
    ['alternatives without logprobs', { top_logprobs: 5 }, 'top_logprobs', /`logprobs: true`/],
    ['no room for an answer', { max_tokens: 0 }, 'max_tokens', /a whole number of tokens, at least 1/],
    ['less than no alternatives', { logprobs: true, top_logprobs: -1 }, 'top_logprobs', /from 0 to 20/],
    ['alternatives by a word', { logprobs: true, top_logprobs: '5' }, 'top_logprobs', /from 0 to 20/],
    ['half a token', { max_tokens: 1.5 }, 'max_tokens', /a whole number of tokens/],
    ['no text', { messages: [{ role: 'user', content: null }] }, 'messages.0.content', /a text, or a list of parts/],
    ['messages that are none', { messages: 'hi' }, 'messages', /a list of messages/],
    ['two limits', { max_tokens: 1, max_completion_tokens: 2 }, 'max_tokens', /another limit/],
    ['another schema', { response_format: schema(1, 2) }, 'response_format', /only schema/],
    ['any JSON', { response_format: { type: 'json_object' } }, 'response_format', /json_schema/],
    ['no messages', { messages: [] }, 'messages', /there is no message/],
    ['an empty text', { messages: [{ role: 'user', content: ' \n' }] }, 'messages.0.content', /the text is empty/],
    ['pictures', { messages: [{ role: 'user', content: [{ type: 'image_url' }] }] }, 'messages.0.content', /content/],
    ['another role', { messages: [{ role: 'tool', content: 'x' }] }, 'messages.0.role', /roles are/],
    ['no model', { model: undefined }, 'model', /the name that `GET \/v1\/models` gives/],
  ])('is refused where it asks for %s', (_, changes, param, message) => {
    expect(() => readChatRequest({ ...PLAIN, ...changes })).toThrow(
      expect.objectContaining({ name: 'RequestRefused', status: 400, param, message: expect.stringMatching(message) }),
    );
  });
  it.each([[[]], ['text'], [null]])('is refused where it is no object: %j', (body) => {
    expect(() => readChatRequest(body)).toThrow(/the body is a JSON object/);
  });
});

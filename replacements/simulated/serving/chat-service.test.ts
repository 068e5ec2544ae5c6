import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openModel, ortRuntime } from '../../../harness/index.js';
import { CallFailed } from '../endpoints/failure.js';
import { probe } from '../endpoints/probe.js';
import { readResponse } from '../endpoints/response.js';
import { type ChatService, openChatService } from './chat-service.js';

const WORLD = 'fixtures/world/model';
const SIMULATOR = 'fixtures/world/simulator';
const runtime = ortRuntime({ threads: 1 });
const { signal } = new AbortController();
const root = mkdtempSync(join(tmpdir(), 'chat-service-'));
const open: ChatService[] = [];
afterAll(async () => {
  await Promise.all(open.map((service) => service.dispose()));
  rmSync(root, { recursive: true });
});
const opened = new Map<string, Promise<ChatService>>();
function serving(folder: string): Promise<ChatService> {
  const known = opened.get(folder) ?? start(folder);
  opened.set(folder, known);
  return known;
}
async function start(folder: string): Promise<ChatService> {
  const service = await openChatService({ model: openModel(folder, { runtime }), now: () => new Date(5_000) });
  open.push(service);
  return service;
}

const asked = (model: string, content: string, changes: object = {}) => ({
  model,
  messages: [{ role: 'user', content }],
  temperature: 0,
  max_tokens: 3,
  logprobs: true,
  top_logprobs: 20,
  ...changes,
});
interface Answer {
  readonly choices: readonly [
    {
      readonly message: { readonly content: string };
      readonly finish_reason: string;
      readonly logprobs: {
        readonly content: readonly {
          token: string;
          logprob: number;
          top_logprobs: { token: string; logprob: number }[];
        }[];
      } | null;
    },
  ];
  readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number };
}
async function answered(service: ChatService, body: object): Promise<Answer> {
  const reply = await service.complete(body, signal);
  expect(reply.body).not.toHaveProperty('error');
  return JSON.parse(JSON.stringify(reply.body));
}

describe('a served model', () => {
  it('goes on from a prompt with its likeliest tokens, and says how likely they and others were', async () => {
    const service = await serving(WORLD);
    const { choices, usage } = await answered(
      service,
      asked('story-world', 'Once upon a time there was a', { max_tokens: 4 }),
    );
    const [{ message, finish_reason, logprobs }] = choices;
    const tokens = logprobs!.content;
    expect(tokens).toHaveLength(4);
    expect(tokens.map(({ token }) => token).join('')).toBe(message.content);
    expect(finish_reason).toBe('length');
    expect(usage.completion_tokens).toBe(4);
    for (const { token, logprob, top_logprobs: top } of tokens) {
      expect(top).toHaveLength(20);
      expect(top[0]).toMatchObject({ token, logprob });
      expect(top.map((each) => each.logprob)).toEqual(top.map((each) => each.logprob).sort((a, b) => b - a));
      expect(top.reduce((sum, each) => sum + Math.exp(each.logprob), 0)).toBeLessThanOrEqual(1 + 1e-6);
    }
  });

  it('is the same in company and alone, but for rounding', async () => {
    const service = await serving(WORLD);
    const bodies = ['The cat', 'The cat sat on', 'A dog', 'One day'].map((text) => asked('story-world', text));
    const together = await Promise.all(bodies.map((body) => answered(service, body)));
    for (const [at, body] of bodies.entries()) {
      const alone = await answered(service, body);
      expect(alone.choices[0].message).toEqual(together[at]!.choices[0].message);
      const [a, b] = [alone, together[at]!].map(({ choices }) => choices[0].logprobs!.content[0]!.logprob);
      expect(Math.abs(a! - b!)).toBeLessThan(1e-5);
    }
  });

  it('gives as many alternatives as are asked for, and none unasked', async () => {
    const service = await serving(WORLD);
    const few = await answered(service, asked('story-world', 'The cat', { top_logprobs: 2 }));
    expect(few.choices[0].logprobs!.content[0]!.top_logprobs).toHaveLength(2);
    const none = await answered(service, asked('story-world', 'The cat', { logprobs: false, top_logprobs: undefined }));
    expect(none.choices[0].logprobs).toBeNull();
  });

  it('answers with no more tokens than its generation config allows, and ends where that says', async () => {
    const service = await serving(SIMULATOR);
    const { choices } = await answered(service, asked('story-simulator', 'Fires on " the".'));
    expect(choices[0].logprobs!.content).toHaveLength(1);
    const folder = join(root, 'ending');
    cpSync(WORLD, folder, { recursive: true });
    const world = await serving(WORLD);
    const [{ logprobs }] = (await answered(world, asked('story-world', 'The cat'))).choices;
    const first = logprobs!.content[0]!.token;
    const tokenizer = await openModel(WORLD, { runtime }).tokenizer();
    const [end] = tokenizer.encode(first, { special: false });
    writeFileSync(join(folder, 'generation_config.json'), JSON.stringify({ eos_token_id: [end] }));
    const ending = (await answered(await serving(folder), asked('story-world', 'The cat'))).choices[0];
    expect(ending).toMatchObject({ finish_reason: 'stop', message: { content: '' } });
  });

  it('tells its name, in a list and alone', async () => {
    const service = await serving(SIMULATOR);
    const model = { id: 'story-simulator', object: 'model', max_model_len: 192 };
    expect(service.models().body).toMatchObject({ object: 'list', data: [model] });
    expect(service.modelOf('story-simulator').body).toMatchObject(model);
    expect(() => service.modelOf('gpt-4o')).toThrow(expect.objectContaining({ status: 404, code: 'model_not_found' }));
  });
});

describe('a request that cannot be answered', () => {
  it.each<[string, object, number, string, RegExp]>([
    ['for another model', asked('gpt-4o', 'x'), 404, 'model_not_found', /this server has `story-simulator`/],
    ['beyond the window', asked('story-simulator', 'x '.repeat(300)), 400, 'context_length_exceeded', /at most 192/],
    [
      'of a form that the chat template refuses',
      asked('story-simulator', '<text>\na\n</text>\nYes or No:'),
      400,
      'bad_chat_template',
      /last token of a text only/,
    ],
    [
      'without a word of the user',
      { ...asked('story-simulator', 'x'), messages: [{ role: 'system', content: 'Rate.' }] },
      400,
      'empty_prompt',
      /leaves nothing of these messages/,
    ],
    ['for streaming', asked('story-simulator', 'x', { stream: true }), 400, 'invalid_value', /streaming/],
  ])('%s is refused in words', async (_, body, status, code, message) => {
    const service = await serving(SIMULATOR);
    const reply = await service.complete(body, signal);
    expect(reply).toMatchObject({
      status,
      body: { error: { type: 'invalid_request_error', code, message: expect.stringMatching(message) } },
    });
  });
  it('does not fail those beside it', async () => {
    const service = await serving(SIMULATOR);
    const [long, short] = await Promise.all([
      service.complete(asked('story-simulator', 'x '.repeat(300)), signal),
      service.complete(asked('story-simulator', 'Fires on " the".'), signal),
    ]);
    expect([long.status, short.status]).toEqual([400, 200]);
  });
  it('throws the reason of an abort', async () => {
    const reason = new Error('enough');
    const service = await serving(WORLD);
    await expect(service.complete(asked('story-world', 'x'), AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});

describe('our own probe', () => {
  const probed = (service: ChatService, expects: 'digit' | 'digits') =>
    probe(
      async (api, body) => {
        if (api !== 'chat') throw new CallFailed({ kind: 'endpoint', fault: 'ENDPOINT_UNKNOWN_MODEL', says: '404' });
        const { status, body: reply } = await service.complete(body, signal);
        if (status !== 200) throw new CallFailed({ kind: 'question', says: JSON.stringify(reply) });
        return readResponse(api, JSON.parse(JSON.stringify(reply)))!;
      },
      service.model,
      [expects],
    );
  const ABLE = { api: 'chat', topLogprobs: 20, temperature: 'honoured', tokenLimit: 'max_tokens', preambleTokens: 0 };

  it('sees twenty alternatives, and lists where the model can be held to them', async () => {
    expect(await probed(await serving(WORLD), 'digits')).toMatchObject({
      ...ABLE,
      structured: 'response_format',
      digitIsToken: true,
      promptLogprobs: 0,
    });
  });
  it('sees that a model of one token can be held to none', async () => {
    expect(await probed(await serving(SIMULATOR), 'digit')).toMatchObject(ABLE);
    expect(await probed(await serving(SIMULATOR), 'digits')).toMatchObject({ ...ABLE, structured: null });
  });
});

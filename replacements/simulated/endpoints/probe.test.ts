import { describe, expect, it } from 'vitest';
import type { Expects } from '../asking/query.js';
import type { Behaviour } from '../testing/fault-server.js';
import { completionBody, type ReplyToken } from '../testing/replies.js';
import { type Capabilities, cautions, chooseReadOut } from './capabilities.js';
import { CallFailed, type Failure } from './failure.js';
import { probe } from './probe.js';
import { readResponse } from './response.js';
import type { Api, Body } from './transport.js';

type Reply = Extract<Behaviour, { kind: 'digits' | 'list' | 'tokens' | 'prose' | 'no logprobs' | 'refusal' }>;
type Server = (body: Body, api: Api) => Reply | Failure;

const GRADED = { '7': 0.3, '3': 0.2, '5': 0.2, '2': 0.1, '8': 0.1, '1': 0.1 };
const digit: Reply = { kind: 'digits', probabilities: GRADED };
const no = (says = 'status 400'): Failure => ({ kind: 'question', says });
const prose: Reply = { kind: 'tokens', tokens: [{ token: 'hello' }], logprobs: true };
const list: Reply = { kind: 'list', digits: [1, 2, 3, 4, 5] };
const words = (...tokens: string[]): ReplyToken[] => tokens.map((token) => ({ token }));

async function probed(serve: Server, expects: readonly Expects['kind'][] = ['digit']) {
  const calls: Body[] = [];
  const capabilities = await probe(
    async (api, body) => {
      calls.push(body);
      const reply = serve(body, api);
      if (
        reply.kind === 'question' ||
        reply.kind === 'endpoint' ||
        reply.kind === 'again' ||
        reply.kind === 'refused'
      ) {
        throw new CallFailed(reply);
      }
      return readResponse(api, completionBody(reply, api === 'chat' ? '/v1/chat/completions' : '/v1/completions'))!;
    },
    'judge',
    expects,
  );
  return { capabilities, calls };
}

const asksForList = (body: Body): boolean => 'response_format' in body || 'guided_json' in body;
const PLAIN: Capabilities = {
  api: 'chat',
  topLogprobs: 6,
  promptLogprobs: 0,
  structured: null,
  digitIsToken: null,
  temperature: 'honoured',
  tokenLimit: 'max_tokens',
  preambleTokens: 0,
};

describe('the probe', () => {
  it('finds a chat with logprobs in three calls', async () => {
    const { capabilities, calls } = await probed(() => digit);
    expect(capabilities).toEqual(PLAIN);
    expect(calls).toHaveLength(3);
    expect(calls[0]).toMatchObject({ model: 'judge', temperature: 0, max_tokens: 3, top_logprobs: 20 });
  });
  it('asks for fewer alternatives where twenty are too many', async () => {
    const most = 5;
    const { capabilities } = await probed(({ top_logprobs }) => (Number(top_logprobs) > most ? no() : digit));
    expect(capabilities.api).toBe('chat');
    expect(capabilities.topLogprobs).toBe(5);
  });
  it('sees that there are no logprobs, whether they are left out or not allowed', async () => {
    expect((await probed(() => ({ kind: 'no logprobs' }))).capabilities.topLogprobs).toBe(0);
    const { capabilities } = await probed((body) => ('logprobs' in body ? no('logprobs') : { kind: 'no logprobs' }));
    expect(capabilities).toMatchObject({ api: 'chat', topLogprobs: 0 });
  });
  it.each<[string, Failure]>([
    ['a chat path that is not there', { kind: 'endpoint', fault: 'ENDPOINT_UNKNOWN_MODEL', says: 'status 404' }],
    ['a model without a chat template', no('status 400: no chat template')],
    ['a chat that takes nothing', no()],
  ])('asks for completions after %s', async (_, failure) => {
    const { capabilities, calls } = await probed((_body, api) => (api === 'chat' ? failure : digit));
    expect(capabilities).toMatchObject({ api: 'completions', topLogprobs: 6 });
    expect(calls.at(-1)).toMatchObject({ prompt: expect.stringContaining('\n\n'), logprobs: 20 });
  });
  it('says what is wrong with the chat when completions are not there either', async () => {
    const unknown: Failure = { kind: 'endpoint', fault: 'ENDPOINT_UNKNOWN_MODEL', says: 'status 404: no model judge' };
    await expect(probed((_, api) => (api === 'chat' ? unknown : no()))).rejects.toMatchObject({ failure: unknown });
  });
  it('uses the other name of the token limit, and leaves temperature out, where the server wants that', async () => {
    const { capabilities, calls } = await probed((body) => {
      if ('max_tokens' in body) return no('status 400: use max_completion_tokens');
      return 'temperature' in body ? no('status 400: temperature is not supported') : digit;
    });
    expect(capabilities).toMatchObject({
      tokenLimit: 'max_completion_tokens',
      temperature: 'rejected',
      topLogprobs: 6,
    });
    expect(calls.at(-1)).not.toHaveProperty('temperature');
  });
  it('sees that temperature is ignored', async () => {
    let call = 0;
    const { capabilities } = await probed(() => ({ kind: 'tokens', tokens: words(String(call++)), logprobs: false }));
    expect(capabilities.temperature).toBe('ignored');
  });
  it('sees that probabilities are given after temperature 0, and asks with 1', async () => {
    const certain: Reply = { kind: 'digits', probabilities: { '7': 1 } };
    expect((await probed(({ temperature }) => (temperature === 0 ? certain : digit))).capabilities.temperature).toBe(
      'reshapes',
    );
    expect((await probed(() => certain)).capabilities.temperature).toBe('honoured');
    const greedy = await probed(({ temperature }) => (temperature === 0 ? certain : no('set temperature to 0')));
    expect(greedy.capabilities).toMatchObject({ temperature: 'honoured', topLogprobs: 1 });
  });

  describe('of a model that thinks first', () => {
    it('gives it more tokens', async () => {
      const { capabilities } = await probed(({ max_tokens }) =>
        Number(max_tokens) > 1000
          ? { kind: 'tokens', tokens: [...words('<think>', 'hm', '</think>'), { token: '7', probabilities: GRADED }] }
          : { kind: 'tokens', tokens: words('<think>', 'hm'), finish: 'length' },
      );
      expect(capabilities).toMatchObject({ preambleTokens: 2048, topLogprobs: 6 });
    });
    it('refuses when that is not enough', async () => {
      const forever: Reply = { kind: 'tokens', tokens: words(''), finish: 'length', reasoning: 'hm' };
      await expect(probed(() => forever)).rejects.toMatchObject({
        failure: { kind: 'endpoint', fault: 'ENDPOINT_THINKS' },
      });
    });
  });

  describe('for lists', () => {
    it('is not made where none are asked for', async () => {
      const { calls } = await probed(() => digit, ['digit', 'yes-no']);
      expect(calls.some(asksForList)).toBe(false);
    });
    it('believes only a server that answers with a list though it is asked for something else', async () => {
      const holds = (field: string) =>
        probed((body) => (field in body ? list : asksForList(body) ? prose : digit), ['digits']);
      expect((await holds('response_format')).capabilities).toMatchObject({
        structured: 'response_format',
        digitIsToken: true,
      });
      expect((await holds('guided_json')).capabilities).toMatchObject({
        structured: 'guided_json',
        digitIsToken: true,
      });
      expect((await holds('nothing')).capabilities.structured).toBeNull();
    });
    it('sees that digits share tokens with what is around them', async () => {
      const merged: Reply = { kind: 'tokens', tokens: words('{"ratings":', ' [1', ', 2', ', 3', ', 4', ', 5', ']}') };
      expect((await probed((body) => (asksForList(body) ? merged : digit), ['digits'])).capabilities.digitIsToken).toBe(
        false,
      );
    });
    it('sees alternatives at tokens of the prompt', async () => {
      const echo: Reply = {
        kind: 'tokens',
        tokens: ['0', ' 1', ' 2', ' 3'].map((token) => ({ token, probabilities: GRADED })),
      };
      const serve: Server = (body) =>
        body.echo === true ? { ...echo, tokens: [...words('0', ' 1'), ...echo.tokens.slice(2)] } : digit;
      expect((await probed(serve, ['digits'])).capabilities.promptLogprobs).toBe(6);
      expect(
        (await probed((body) => (body.echo === true ? no() : digit), ['digits'])).capabilities.promptLogprobs,
      ).toBe(0);
    });
  });
});

describe('the read-out', () => {
  it('is the top logprobs where there are enough', () => {
    for (const kind of ['digit', 'yes-no', 'digits'] as const) {
      expect(chooseReadOut(PLAIN, kind, 'distribution')).toEqual({ kind: 'top logprobs' });
    }
  });
  it('refuses single answers without probabilities, with the reason, unless the digit is enough', () => {
    const bare = { ...PLAIN, topLogprobs: 0 };
    const refused = chooseReadOut(bare, 'digit', 'distribution');
    expect(refused).toMatchObject({ kind: 'refused', found: expect.stringContaining('no logprobs') });
    expect(chooseReadOut({ ...PLAIN, topLogprobs: 3 }, 'digit', 'distribution').kind).toBe('refused');
    expect(chooseReadOut(bare, 'digit', 'value')).toEqual({ kind: 'text' });
  });
  it('takes lists as they are written where the digits have no probabilities of their own', () => {
    expect(chooseReadOut({ ...PLAIN, topLogprobs: 0 }, 'digits', 'distribution')).toEqual({ kind: 'text' });
    expect(chooseReadOut({ ...PLAIN, digitIsToken: false }, 'digits', 'distribution')).toEqual({ kind: 'text' });
  });
  it('comes with what the user should know', () => {
    expect(cautions(PLAIN, ['digit'])).toEqual([]);
    expect(cautions({ ...PLAIN, structured: 'response_format' }, ['digits'])).toEqual([]);
    expect(
      cautions({ ...PLAIN, topLogprobs: 0, temperature: 'ignored', preambleTokens: 512 }, ['digits']),
    ).toHaveLength(4);
  });
});

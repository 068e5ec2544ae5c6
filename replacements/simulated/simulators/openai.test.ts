import { afterEach, describe, expect, it } from 'vitest';
import type { Explanation } from '../../../explanations/index.js';
import { UsageError } from '../../../harness/index.js';
import { memoryStore } from '../store.js';
import { cell, questionAbout } from '../testing/contexts.js';
import { type Behaviour, type FaultServer, startFaultServer } from '../testing/fault-server.js';
import { simulatorContract } from '../testing/simulator-contract.js';
import { type OpenAiOptions, openai } from './openai.js';

const KEY = 'sk-secret-1234567890';
const explanations = new Map(
  ['Cats', 'Sitting'].map((text, i): [number, Explanation] => {
    const latent = 2 * i + 1;
    return [latent, { hookpoint: 'layers.2', latent, style: 'sentence', text, provenance: { by: 'hand' } }];
  }),
);
const question = questionAbout([' the', ' cat', ' sat'], [1, 2]);
const certain = (digit: string): Behaviour => ({ kind: 'digits', probabilities: { [digit]: 1 } });

let server: FaultServer | undefined;
afterEach(async () => {
  await server?.[Symbol.asyncDispose]();
  server = undefined;
});

async function open(behave: Parameters<typeof startFaultServer>[0], options: Partial<OpenAiOptions> = {}) {
  server = await startFaultServer(behave);
  const store = memoryStore();
  const simulator = openai({ baseUrl: server.url, apiKey: KEY, model: 'judge', store, retries: 2, ...options });
  return { simulator, store: options.store ?? store, server, reader: simulator.read(explanations) };
}
const live = (): AbortSignal => new AbortController().signal;
const rate = async (behave: Parameters<typeof startFaultServer>[0], options: Partial<OpenAiOptions> = {}) => {
  const opened = await open(behave, options);
  return { ...opened, block: await opened.reader.rate(question, live()) };
};

simulatorContract('openai', async () => {
  // Each test of the contract opens one; what the last one left is closed here.
  await server?.[Symbol.asyncDispose]();
  const { simulator } = await open((_, { messages }) => {
    const { content } = messages[1]!;
    if (content.includes('Sitting') && content.includes('<< sat>>')) return { kind: 'refusal' };
    return { kind: 'digits', probabilities: content.includes('<< cat>>') ? { '8': 0.75, '4': 0.25 } : { '0': 1 } };
  });
  return { simulator, explanations };
});

describe('openai', () => {
  it('asks once for each position and latent, and reads the expected digit', async () => {
    const { block, server, simulator } = await rate((_, { messages }) =>
      messages[1]!.content.includes('Cats')
        ? { kind: 'digits', probabilities: { '9': 0.45, ' 3': 0.45, Well: 0.1 } }
        : certain('0'),
    );
    expect(server.received).toHaveLength(4);
    expect(server.received[0]).toMatchObject({ model: 'judge', authorization: `Bearer ${KEY}` });
    expect(cell(block, 0, 1)).toBeCloseTo(6, 6);
    expect(cell(block, 0, 3)).toBe(0);
    expect(block.missing).toEqual([]);
    expect(simulator.usage).toEqual({ queries: 4, fromStore: 0, promptTokens: 400, completionTokens: 4 });
  });

  it.each<[string, Behaviour, string]>([
    ['prose', { kind: 'prose', text: 'Well' }, 'unreadable answer'],
    ['a number beyond 9', { kind: 'digits', probabilities: { '1': 1 }, next: '0' }, 'unreadable answer'],
    ['a refusal', { kind: 'refusal' }, 'refused'],
    ['a content filter', { kind: 'status', status: 400, code: 'content_filter' }, 'refused'],
    ['an error that stays', { kind: 'status', status: 500 }, 'failed'],
    ['half an answer', { kind: 'truncated' }, 'failed'],
  ])('is missing after %s, never 0', async (_, behaviour, why) => {
    const { block } = await rate(() => behaviour);
    expect(block.missing).toHaveLength(4);
    expect(block.missing[0]).toEqual({ row: 0, latent: 1, why });
  });

  it.each([408, 429, 500, 503])('tries again after status %i', async (status) => {
    const { block, server } = await rate((n) => (n === 0 ? { kind: 'status', status } : certain('5')));
    expect(server.received).toHaveLength(5);
    expect(block.missing).toEqual([]);
  });
  it('gives up after a bounded number of attempts', async () => {
    const { server } = await rate(() => ({ kind: 'status', status: 503 }));
    expect(server.received).toHaveLength(4 * 3);
  });
  it('does not repeat what cannot succeed', async () => {
    const { server, block } = await rate(() => ({ kind: 'status', status: 422 }));
    expect(server.received).toHaveLength(4);
    expect(block.missing.every(({ why }) => why === 'failed')).toBe(true);
  });
  it('does not wait longer than its time-out', async () => {
    const { block } = await rate((n) => (n === 0 ? { kind: 'hang' } : certain('5')), { timeoutMs: 100, retries: 0 });
    expect(block.missing).toHaveLength(1);
    expect(block.missing[0]!.why).toBe('failed');
  });

  it.each<[string, Behaviour, string]>([
    ['a wrong key', { kind: 'status', status: 401, message: `Incorrect API key: ${KEY}` }, 'ENDPOINT_REJECTED_KEY'],
    ['a forbidden model', { kind: 'status', status: 403 }, 'ENDPOINT_REJECTED_KEY'],
    ['an unknown model', { kind: 'status', status: 404 }, 'ENDPOINT_UNKNOWN_MODEL'],
    ['a spent quota', { kind: 'status', status: 429, code: 'insufficient_quota' }, 'ENDPOINT_QUOTA_SPENT'],
    ['an endpoint without logprobs', { kind: 'no logprobs' }, 'ENDPOINT_WITHOUT_LOGPROBS'],
    [
      'an endpoint that refuses to give logprobs',
      { kind: 'status', status: 400, message: 'logprobs is not supported' },
      'ENDPOINT_WITHOUT_LOGPROBS',
    ],
  ])('stops at %s, in two lines that do not show the key', async (_, behaviour, code) => {
    const { reader } = await open(() => behaviour, { concurrency: 1 });
    const error: unknown = await reader.rate(question, live()).catch((reason: unknown) => reason);
    if (!(error instanceof UsageError)) throw error;
    expect(error.code).toBe(code);
    expect(error.message).toMatch(/^[^\n]+\n {2}[^\n]+$/);
    expect(`${error.message} ${error.stack} ${JSON.stringify(error)}`).not.toContain(KEY);
    expect(error.message).toContain('127.0.0.1');
  });
  it('does not show a password in the address', async () => {
    const { reader } = await open(() => ({ kind: 'status', status: 401 }));
    void reader;
    const withPassword = server!.url.replace('http://', 'http://me:hunter2@');
    const simulator = openai({ baseUrl: withPassword, apiKey: KEY, model: 'judge', store: memoryStore(), retries: 0 });
    const error: unknown = await simulator
      .read(explanations)
      .rate(question, live())
      .catch((reason: unknown) => reason);
    expect(String(error)).not.toContain('hunter2');
  });

  it('never pays for the same question twice', async () => {
    const { reader, server, simulator } = await rate(() => certain('7'));
    await reader.rate(question, live());
    expect(server.received).toHaveLength(4);
    expect(simulator.usage).toMatchObject({ queries: 4, fromStore: 4 });
  });
  it('keeps paid answers when a later query stops the run, and asks only the rest again', async () => {
    const store = memoryStore();
    const { reader } = await open((n) => (n < 2 ? certain('7') : { kind: 'status', status: 401 }), {
      store,
      concurrency: 1,
    });
    await expect(reader.rate(question, live())).rejects.toThrow(UsageError);
    await server![Symbol.asyncDispose]();
    const second = await rate(() => certain('7'), { store });
    expect(second.server.received).toHaveLength(2);
    expect(second.block.missing).toEqual([]);
  });
  it('asks the same question once when two readers want it at the same time, as a shuffled control does', async () => {
    const { simulator, reader, server } = await open(() => certain('7'));
    const [one, three] = [explanations.get(1)!, explanations.get(3)!];
    const swapped = simulator.read(
      new Map([
        [1, { ...three, latent: 1 }],
        [3, { ...one, latent: 3 }],
      ]),
    );
    await Promise.all([reader.rate(question, live()), swapped.rate(question, live())]);
    expect(server.received).toHaveLength(4);
    expect(simulator.usage).toMatchObject({ queries: 4, fromStore: 4 });
  });
  it('lets queries under way answer, and keeps them, when another stops the run; those that wait are not sent', async () => {
    const store = memoryStore();
    const { reader, server: first } = await open(
      (n) => (n === 0 ? { kind: 'slow', milliseconds: 50, answer: certain('7') } : { kind: 'status', status: 401 }),
      { store, concurrency: 2 },
    );
    await expect(reader.rate(question, live())).rejects.toMatchObject({ code: 'ENDPOINT_REJECTED_KEY' });
    await expect(reader.rate(question, live())).rejects.toMatchObject({ code: 'ENDPOINT_REJECTED_KEY' });
    expect(first.received).toHaveLength(2);
    await first[Symbol.asyncDispose]();
    expect((await rate(() => certain('7'), { store })).server.received).toHaveLength(3);
  });
  it('waits for queries under way no longer than one attempt may take', async () => {
    const { reader } = await open((n) => (n === 0 ? { kind: 'hang' } : { kind: 'status', status: 401 }), {
      concurrency: 2,
      timeoutMs: 100,
      retries: 5,
    });
    await expect(reader.rate(question, live())).rejects.toMatchObject({ code: 'ENDPOINT_REJECTED_KEY' });
  });
  it('asks failures again, but not refusals', async () => {
    const store = memoryStore();
    await rate((n) => (n === 0 ? { kind: 'status', status: 500 } : { kind: 'refusal' }), {
      store,
      retries: 0,
      concurrency: 1,
    });
    await server![Symbol.asyncDispose]();
    expect((await rate(() => certain('7'), { store })).server.received).toHaveLength(1);
  });
  it('stops queries under way when aborted', async () => {
    const { reader } = await open(() => ({ kind: 'hang' }));
    const controller = new AbortController();
    const rating = reader.rate(question, controller.signal);
    const reason = new Error('stopped by the user');
    setTimeout(() => controller.abort(reason), 50);
    await expect(rating).rejects.toBe(reason);
  });
});

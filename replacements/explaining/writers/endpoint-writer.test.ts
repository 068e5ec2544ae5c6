import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { TextAnswer, TextQuery } from '../../simulated/asking/text.js';
import { BudgetReached, type EngineOptions, type Spend } from '../../simulated/endpoints/index.js';
import { memoryAnswers, openAnswers } from '../../simulated/store/index.js';
import { KEY, never, skippingClock } from '../../simulated/testing/endpoints.js';
import { type Behaviour, type FaultServer, startFaultServer } from '../../simulated/testing/fault-server.js';
import { openEndpointWriter } from './endpoint-writer.js';
import { storedWriter } from './stored-writer.js';

const question = (user: string): TextQuery => ({ system: 'Explain.', user, maxTokens: 50 });
const prose = (text: string): Behaviour => ({ kind: 'tokens', tokens: [{ token: text }], logprobs: false });

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each[Symbol.asyncDispose]();
});
async function serving(behave: (request: number) => Behaviour): Promise<FaultServer> {
  const server = await startFaultServer(behave);
  open.push(server);
  return server;
}

async function writerOf(urls: readonly string[], options: Partial<EngineOptions<TextAnswer>> = {}) {
  const notes: string[] = [];
  const clock = skippingClock();
  const writer = await openEndpointWriter(
    urls.map((baseUrl) => ({ baseUrl, apiKey: KEY })),
    {
      model: 'writer',
      store: memoryAnswers().texts,
      signal: never,
      clock,
      patience: { retries: 2 },
      onNote: (note) => notes.push(note),
      ...options,
    },
  );
  open.push({ [Symbol.asyncDispose]: async () => writer.close() });
  return { writer, notes, clock };
}

describe('a writer behind endpoints', () => {
  it('sends what is asked with its limit of tokens, without logprobs, and gives the text as it came', async () => {
    const server = await serving(() => prose(' Cats, “dogs”.\n'));
    const { writer } = await writerOf([server.url]);
    expect(await writer.write(question('why?'), never)).toEqual({ value: ' Cats, “dogs”.\n' });
    const [{ body, messages, authorization }] = server.received as [(typeof server.received)[0]];
    expect(messages.map(({ content }) => content)).toEqual(['Explain.', 'why?']);
    expect(body).toMatchObject({ model: 'writer', max_tokens: 50, temperature: 0 });
    expect(Object.keys(body).some((field) => /logprobs|response_format|guided/.test(field))).toBe(false);
    expect(authorization).toContain(KEY);
    expect(writer.id).toBe('openai:writer');
    expect(writer.usage).toMatchObject({ answered: 1, fromStore: 0 });
  });
  it.each<[string, Behaviour, object]>([
    ['a refusal', { kind: 'refusal' }, { missing: 'refused' }],
    [
      'what was cut off',
      { kind: 'tokens', tokens: [{ token: 'Cats and' }], finish: 'length' },
      { missing: 'unreadable answer' },
    ],
    ['nothing', prose('  '), { missing: 'unreadable answer' }],
    ['a thought without an end', prose('<think>Hmm'), { missing: 'unreadable answer' }],
    ['a text behind a thought', prose('<think>Hmm</think>\nCats.'), { value: '\nCats.' }],
    ['a server that is broken', { kind: 'status', status: 400 }, { missing: 'failed' }],
  ])('tells %s from a text', async (_, behaviour, answer) => {
    const server = await serving(() => behaviour);
    const { writer } = await writerOf([server.url]);
    expect(await writer.write(question('why?'), never)).toEqual(answer);
  });
  it('tries again as long as it is told to wait, and shares the load among endpoints', async () => {
    const busy: Behaviour = { kind: 'status', status: 429, headers: { 'retry-after': '7' } };
    const server = await serving((request) => (request === 0 ? busy : prose('Cats.')));
    const { writer, clock } = await writerOf([server.url]);
    expect(await writer.write(question('why?'), never)).toEqual({ value: 'Cats.' });
    expect(Math.max(...clock.slept)).toBeGreaterThan(5000);

    const [one, two] = [await serving(() => prose('Cats.')), await serving(() => prose('Cats.'))];
    const { writer: both } = await writerOf([one.url, two.url]);
    await Promise.all(Array.from({ length: 10 }, (_, i) => both.write(question(`why ${i}?`), never)));
    expect(one.received.length + two.received.length).toBe(10);
    expect(Math.min(one.received.length, two.received.length)).toBeGreaterThan(0);
  });
  it('names no key where it is rejected', async () => {
    const server = await startFaultServer(() => ({ kind: 'status', status: 401, message: `wrong key ${KEY}` }), {
      probes: 'as others',
    });
    open.push(server);
    const { writer, notes } = await writerOf([server.url]);
    const error: unknown = await writer.write(question('why?'), never).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'ENDPOINT_REJECTED_KEY' });
    expect(`${String(error)}${notes.join()}`).not.toContain(KEY.slice(3, 12));
  });
  it('stops at the budget', async () => {
    const server = await serving(() => prose('Cats.'));
    let calls = 0;
    const spend: Spend = {
      may: () => calls < 6,
      took(_tokensIn, _tokensOut, more) {
        calls += more;
      },
    };
    const { writer } = await writerOf([server.url], { spend });
    const asked = await Promise.allSettled(Array.from({ length: 9 }, (_, i) => writer.write(question(`${i}`), never)));
    const stopped = asked.filter((each) => each.status === 'rejected');
    expect(stopped.length).toBeGreaterThan(0);
    for (const { reason } of stopped) expect(reason).toBeInstanceOf(BudgetReached);
    expect(calls).toBe(6);
  });
  it('raises an alarm where the model refuses', async () => {
    const server = await serving(() => ({ kind: 'refusal' }));
    const { writer } = await writerOf([server.url]);
    await Promise.all(Array.from({ length: 200 }, (_, i) => writer.write(question(`${i}`), never)));
    expect(writer.alarms).toEqual([{ kind: 'refusals', share: 1 }]);
  });
});

describe('what was written', () => {
  it('is kept on disk beside ratings and never paid for twice', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'texts-'));
    try {
      const server = await serving((request) => (request === 1 ? { kind: 'refusal' } : prose(`text ${request} 🐈`)));
      const write = async (user: string) => {
        const answers = await openAnswers(join(folder, 'answers'));
        try {
          const { writer } = await writerOf([server.url], { store: answers.texts });
          return [await writer.write(question(user), never), await answers.count()];
        } finally {
          await answers.close();
        }
      };
      const [first] = [await write('a'), await write('b')];
      expect(first).toEqual([{ value: 'text 0 🐈' }, 1]);
      expect(await write('a')).toEqual([{ value: 'text 0 🐈' }, 2]);
      expect(await write('b')).toEqual([{ missing: 'refused' }, 2]);
      expect(server.received).toHaveLength(2);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
  it('is there for who asks nobody; what is not stored is missing', async () => {
    const server = await serving(() => prose('Cats.'));
    const { texts: store } = memoryAnswers();
    const { writer } = await writerOf([server.url], { store });
    await writer.write(question('a'), never);
    const stored = storedWriter({ model: 'writer', store });
    expect(stored.id).toBe(writer.id);
    expect(await stored.write(question('a'), never)).toEqual({ value: 'Cats.' });
    expect(await stored.write(question('b'), never)).toEqual({ missing: 'no stored answer' });
    expect(stored.unanswered).toBe(1);
  });
  it('is another where the limit of tokens or the question is another', async () => {
    const server = await serving((request) => prose(`text ${request}`));
    const { writer } = await writerOf([server.url]);
    const texts = [
      await writer.write(question('a'), never),
      await writer.write({ ...question('a'), maxTokens: 51 }, never),
      await writer.write({ ...question('a'), system: 'Say.' }, never),
      await writer.write(question('a'), never),
    ];
    expect(texts.map((text) => ('value' in text ? text.value : null))).toEqual([
      'text 0',
      'text 1',
      'text 2',
      'text 0',
    ]);
    expect(writer.usage.fromStore).toBe(1);
  });
  it('is asked once by all who want it at once', async () => {
    const server = await serving(() => prose('Cats.'));
    const { writer } = await writerOf([server.url]);
    await Promise.all(Array.from({ length: 5 }, () => writer.write(question('a'), never)));
    expect(server.received).toHaveLength(1);
  });
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Answer } from './answer.js';
import { answerKey, memoryStore, openStore } from './store.js';

const digit = (token: string): Answer => ({ kind: 'tokens', tokens: [{ token, top: [{ token, logprob: 0 }] }] });

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'store-'));
  path = join(folder, 'answers.jsonl');
});
afterEach(() => rm(folder, { recursive: true }));

async function filled(): Promise<void> {
  const store = await openStore(path);
  await Promise.all([store.put('a', digit('1')), store.put('b', { kind: 'refused' })]);
  await store.close();
}

describe.each([
  ['memoryStore', async () => memoryStore()],
  ['openStore', () => openStore(path)],
])('%s', (_, open) => {
  it('gives back what was put, and nothing else', async () => {
    const store = await open();
    await store.put('a', digit('1'));
    expect(await store.get('a')).toEqual(digit('1'));
    expect(await store.get('b')).toBeUndefined();
    await store.close();
  });
  it('keeps the first answer to a question', async () => {
    const store = await open();
    await store.put('a', digit('1'));
    await store.put('a', digit('2'));
    expect(await store.get('a')).toEqual(digit('1'));
    await store.close();
  });
  it('asks once for a key, however many want it at once or later', async () => {
    const store = await open();
    let asked = 0;
    const ask = async () => {
      asked++;
      return digit('5');
    };
    const together = await Promise.all([store.getOrAsk('a', ask), store.getOrAsk('a', ask), store.getOrAsk('b', ask)]);
    expect([...together, await store.getOrAsk('a', ask)]).toEqual(Array(4).fill(digit('5')));
    expect(asked).toBe(2);
    await store.close();
  });
  it('asks again after no answer and after an error', async () => {
    const store = await open();
    expect(await store.getOrAsk('a', async () => null)).toBeNull();
    await expect(store.getOrAsk('a', () => Promise.reject(new Error('gone')))).rejects.toThrow('gone');
    expect(await store.getOrAsk('a', async () => digit('5'))).toEqual(digit('5'));
    await store.close();
  });
});

describe('openStore', () => {
  it('has everything again after a restart, and appends', async () => {
    await filled();
    const store = await openStore(path);
    expect(await store.get('a')).toEqual(digit('1'));
    expect(await store.get('b')).toEqual({ kind: 'refused' });
    await store.put('c', digit('3'));
    await store.close();
    expect((await readFile(path, 'utf8')).split('\n')).toHaveLength(5);
  });
  it('has written an answer when put resolves', async () => {
    const store = await openStore(path);
    await store.put('a', digit('1'));
    expect(await readFile(path, 'utf8')).toContain('"key":"a"');
    await store.close();
  });
  it('survives a last line torn anywhere', async () => {
    await filled();
    const { length } = await readFile(path);
    for (let size = length - 1; size >= 0; size -= 11) {
      await truncate(path, size);
      const store = await openStore(path);
      await store.put('d', digit('4'));
      await store.close();
      const again = await openStore(path);
      expect(await again.get('d')).toEqual(digit('4'));
      await again.close();
      await rm(path);
      await filled();
    }
  });
  it.each([
    ['another version', '{"schema":"partial-rewrite/answers@2"}\n', /answers@2, not partial-rewrite\/answers@1/],
    ['another file', 'Dear diary,\n', /not a store of answers/],
    ['another file without a newline', 'Dear diary', /not a store of answers/],
  ])('refuses %s and leaves it as it is', async (_, content, message) => {
    await writeFile(path, content);
    await expect(openStore(path)).rejects.toThrow(message);
    expect(await readFile(path, 'utf8')).toBe(content);
  });
  it('refuses a damaged line in the middle, naming it', async () => {
    await filled();
    await appendFile(path, '{"key":\n{"key":"z","answer":{"kind":"refused"}}\n');
    await expect(openStore(path)).rejects.toThrow(/answers\.jsonl, line 4, is no stored answer/);
  });
  it('is for one at a time, and for the next once it is closed', async () => {
    const store = await openStore(path);
    await expect(openStore(path)).rejects.toMatchObject({ code: 'STORE_IN_USE' });
    await store.close();
    await (await openStore(path)).close();
    expect(await readdir(folder)).toEqual(['answers.jsonl']);
  });
  it('is refused while another process has it, and taken over from one that has ended', async () => {
    const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    await writeFile(`${path}.lock`, String(other.pid));
    await expect(openStore(path)).rejects.toThrow(`in use by process ${other.pid}.`);
    expect(await readFile(`${path}.lock`, 'utf8')).toBe(String(other.pid));
    const ended = once(other, 'exit');
    other.kill();
    await ended;
    await (await openStore(path)).close();
  });
  it('says where it could not write', async () => {
    await expect(openStore(join(folder, 'none', 'answers.jsonl'))).rejects.toThrow(/could not be kept in .*none/);
  });
});

describe('answerKey', () => {
  const query = { model: 'm', system: 's', user: 'u', sampling: { temperature: 0, top_logprobs: 10 } };
  it('is the same for the same content, whatever the order of its settings', () => {
    expect(answerKey({ ...query, sampling: { top_logprobs: 10, temperature: 0 } })).toBe(answerKey(query));
  });
  it.each([{ model: 'n' }, { system: 't' }, { user: 'v' }, { sampling: { temperature: 1, top_logprobs: 10 } }])(
    'differs with %j',
    (change) => expect(answerKey({ ...query, ...change })).not.toBe(answerKey(query)),
  );
});

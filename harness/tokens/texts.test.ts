import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readTexts } from './texts.js';

const folder = mkdtempSync(join(tmpdir(), 'texts-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

describe('readTexts', () => {
  it.each([
    ['a.json', '["one", "two"]', ['one', 'two']],
    ['a.jsonl', '{"text": "one", "source": 3}\n\n"two"\n', ['one', 'two']],
    ['a.txt', 'one\ntwo\n', ['one\ntwo\n']],
  ])('reads %s', async (name, content, texts) => expect(await readTexts(file(name, content))).toEqual(texts));

  it.each([
    ['b.csv', 'one,two', 'BAD_TEXTS', /b\.csv/],
    ['b.json', '["one", ', 'BAD_TEXTS', /b\.json is not JSON/],
    ['c.json', '{"text": "one"}', 'BAD_TEXTS', /c\.json does not hold texts/],
    ['b.jsonl', '"one"\n{"body": "two"}', 'BAD_TEXTS', /b\.jsonl, line 2,/],
    ['b.txt', '', 'NO_TEXTS', /b\.txt holds no text/],
  ])('refuses %s in two lines', async (name, content, code, found) => {
    const refusal = await readTexts(file(name, content)).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ name: 'UsageError', code, found: expect.stringMatching(found) });
    expect(String(refusal).split('\n')).toHaveLength(2);
  });

  it('refuses a file that is not there', () =>
    expect(readTexts(join(folder, 'none.txt'))).rejects.toMatchObject({ code: 'NO_TEXTS' }));
});

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { decodeText, readText } from './files.js';

const folder = mkdtempSync(join(tmpdir(), 'files-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);

describe('readText', () => {
  it('reads a file, and through a link', () => {
    writeFileSync(at('a'), 'grüß');
    symlinkSync('a', at('link'));
    expect([readText(at('a')), readText(at('link'))]).toEqual(['grüß', 'grüß']);
  });

  it('neither waits for a pipe nor reads a device, a folder, or gigabytes', () => {
    execFileSync('mkfifo', [at('pipe')]);
    writeFileSync(at('large'), '');
    truncateSync(at('large'), 2 ** 33);
    expect(() => readText(at('pipe'))).toThrow(/no plain file/);
    expect(() => readText('/dev/zero')).toThrow(/no plain file/);
    expect(() => readText(folder)).toThrow(/no plain file/);
    expect(() => readText(at('large'))).toThrow(/has 8589934592 bytes/);
    expect(() => readText(at('a'), 3)).toThrow('it has 6 bytes, and at most 3 are read');
    expect(() => readText(at('none'))).toThrow('there is no such file');
  });
});

describe('decodeText', () => {
  it('takes any text as it is, marks for unknown characters and of byte order too', () => {
    for (const text of ['', 'a\nb', 'grüß 🦉', '\ufeffa', 'a\ufffdb']) expect(decodeText(Buffer.from(text))).toBe(text);
  });
  it.each([
    ['Latin-1', Buffer.from('a\nb\ngr\u00fc\u00df\nc', 'latin1'), 'line 3 is not UTF-8'],
    ['a character cut at the end', Buffer.from('a\n🦉').subarray(0, 5), 'line 2 is not UTF-8'],
    ['UTF-16', Buffer.from('\ufeffa,b', 'utf16le'), 'it is UTF-16; save it as UTF-8'],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => decodeText(bytes)).toThrow(message);
  });
});

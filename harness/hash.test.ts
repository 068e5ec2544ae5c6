import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { sha256, sha256OfFile } from './hash.js';

/** FIPS 180-2, appendix B.1. */
const ABC = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';

it('is sha256, of text, of bytes, and of parts one after another', () => {
  expect(sha256('abc')).toBe(ABC);
  expect(sha256('a', new Uint8Array([98]), 'c')).toBe(ABC);
  expect(sha256('ä')).toBe(sha256(new Uint8Array([0xc3, 0xa4])));
});

it('of a file is that of its bytes, however long', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hash-'));
  try {
    const bytes = new Uint8Array(200_000).map((_, i) => i % 251);
    writeFileSync(join(folder, 'long'), bytes);
    expect(await sha256OfFile(join(folder, 'long'))).toBe(sha256(bytes));
    await expect(sha256OfFile(join(folder, 'none'))).rejects.toThrow('ENOENT');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

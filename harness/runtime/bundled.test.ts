import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bundled } from './bundled.mjs';

let folder: string;
const at = (...path: string[]) => join(folder, ...path);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bundled-'));
  writeFileSync(
    at('program.ts'),
    "import { part } from './part.js';\nexport const all: string = part + import.meta.url;\n",
  );
  writeFileSync(at('part.ts'), "export const part: string = 'first ';\n");
});
afterAll(() => rmSync(folder, { recursive: true }));

const program = () => bundled(pathToFileURL(at('program.ts')), at('cache'));
const saidBy = async (url: string): Promise<unknown> =>
  (await import(`${url}?${statSync(fileURLToPath(url)).ino}`)).all;

it('is the program in one file, which still knows where its source lies', async () => {
  const url = await program();
  expect(fileURLToPath(url)).toMatch(/cache\/[0-9a-f]{16}\.mjs$/);
  expect(await saidBy(url)).toBe(`first ${pathToFileURL(at('program.ts')).href}`);
});

it('is made once, and again when a part of it has changed', async () => {
  const inode = (url: string) => statSync(fileURLToPath(url)).ino;
  const before = inode(await program());
  expect(inode(await program())).toBe(before);
  writeFileSync(at('part.ts'), "export const part: string = 'second, longer ';\n");
  const url = await program();
  expect(inode(url)).not.toBe(before);
  expect(await saidBy(url)).toContain('second, longer ');
  expect(readdirSync(at('cache'))).toHaveLength(2);
});

it('is whole for each of several that want it at once', async () => {
  rmSync(at('cache'), { recursive: true });
  const urls = await Promise.all([program(), program(), program()]);
  expect(new Set(urls).size).toBe(1);
  expect(await saidBy(urls[0]!)).toContain(at('program.ts'));
});

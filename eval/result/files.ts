import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Whether a file system error says that there is nothing at a path. */
export function isAbsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}

/** Writes one file so that its path holds the old bytes or all the new ones, never some. */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  const draft = `${path}.${randomUUID()}.draft`;
  await mkdir(dirname(path), { recursive: true });
  try {
    await writeFile(draft, content);
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

/**
 * Writes several files of a folder. All are on disk in a sibling folder before the first is moved into place; the last
 * one named marks the folder as whole: it is removed first and moved last. Other files in the folder are left alone.
 */
export async function writeWholeFolder(
  folder: string,
  files: readonly (readonly [name: string, content: string | Uint8Array])[],
): Promise<void> {
  const marker = files.at(-1)?.[0];
  if (marker === undefined) return;
  const draft = `${folder.replace(/[/\\]+$/, '')}.${randomUUID()}.draft`;
  await mkdir(draft, { recursive: true });
  try {
    for (const [name, content] of files) await writeFile(join(draft, name), content);
    await mkdir(folder, { recursive: true });
    await rm(join(folder, marker), { force: true });
    for (const [name] of files) await rename(join(draft, name), join(folder, name));
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

import { readFile, rm, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { UsageError } from '../../harness/index.js';

/** Files that this process has locked: its own number in a lock it does not know of is left from an earlier process. */
const own = new Set<string>();

function isAlive(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    // Anybody else's process is alive too.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/**
 * Takes a file for this process by writing its number into `<path>.lock`. A lock whose process has ended is taken over.
 * @returns releases the lock
 * @throws {UsageError} `STORE_IN_USE` while another process, or this one, has the file
 */
export async function lockFile(path: string): Promise<() => Promise<void>> {
  const lock = `${resolve(path)}.lock`;
  const inUse = (by: string) =>
    new UsageError(
      'STORE_IN_USE',
      `${path} is in use by ${by}.`,
      'Wait for that run to end, or name another folder in PARTIAL_REWRITE_CACHE.',
    );
  if (own.has(lock)) throw inUse('this process');
  own.add(lock);
  try {
    const holder = await readFile(lock, 'utf8').then(Number, () => null);
    if (holder !== null && holder > 0 && holder !== process.pid && isAlive(holder)) throw inUse(`process ${holder}`);
    if (holder !== null) await rm(lock, { force: true });
    // Of two that come at once, one finds that the file is there.
    await writeFile(lock, String(process.pid), { flag: 'wx' });
  } catch (error) {
    own.delete(lock);
    throw error instanceof Error && 'code' in error && error.code === 'EEXIST' ? inUse('another process') : error;
  }
  return async () => {
    await rm(lock, { force: true });
    own.delete(lock);
  };
}

import { homedir } from 'node:os';
import { join } from 'node:path';
import { sha256 } from '../../harness/index.js';

/** Where trained coders, induced explanations and paid answers are kept between runs. */
export function cacheFolder(environment: Readonly<Record<string, string | undefined>>): string {
  const { PARTIAL_REWRITE_CACHE: own, XDG_CACHE_HOME: shared } = environment;
  return own ?? join(shared ?? join(homedir(), '.cache'), 'partial-rewrite');
}

/** A name that changes with any part of what it stands for. */
export function contentKey(...parts: readonly unknown[]): string {
  return sha256(JSON.stringify(parts)).slice(0, 24);
}

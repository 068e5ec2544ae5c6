import { existsSync } from 'node:fs';
import { sep } from 'node:path';
import { type FetchOptions, type HubKind, isHubReference, localFolder } from '../hub/index.js';

/** What was fetched from the hub for one reference. */
export interface FetchedSource {
  /** As it was written. */
  readonly reference: string;
  /** 40 hexadecimal digits: what the revision was when it was fetched. */
  readonly commit: string;
  /** `org/name` or `datasets/org/name`. */
  readonly repository: string;
  /** The folder or file on this machine. */
  readonly path: string;
}

/** Whether a name is that of a path, and not of a repository. */
export const isOfThisMachine = (name: string): boolean =>
  !isHubReference(name) && (existsSync(name) || name.split('/').length !== 2 || name.startsWith('.'));

/**
 * The path of something that a user names by path or by `hf://org/name@revision/path`, fetched first where it is of the hub.
 * A path that is not there is left to those who read it, unless it looks like the name of a repository.
 * @throws {UsageError} `FOLDER_NOT_FOUND`, `HUB_*`
 */
export async function fetched(
  name: string,
  kind: HubKind,
  options: FetchOptions,
): Promise<{ readonly path: string; readonly source: FetchedSource | null }> {
  if (isOfThisMachine(name)) return { path: name, source: null };
  const { folder, file, source } = await localFolder(name, kind, options);
  const path = file ?? folder;
  if (source.kind === 'local') return { path, source: null };
  return { path, source: { reference: name, commit: source.commit, repository: source.repo, path } };
}

/** A path below something fetched, as anybody can find it again: `hf://org/name@commit/…`; `null` for other paths. */
export function asReference(path: string, sources: readonly FetchedSource[]): string | null {
  for (const { repository, commit, path: fetchedTo } of sources) {
    const snapshot = fetchedTo.slice(0, fetchedTo.indexOf(commit) + commit.length);
    if (path !== snapshot && !path.startsWith(`${snapshot}${sep}`)) continue;
    return `hf://${repository}@${commit}${path.slice(snapshot.length).split(sep).join('/')}`;
  }
  return null;
}

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

/**
 * The folder with this package's package.json. It lies above the sources, and one step further above the compiled
 * files, so it is looked for rather than counted out.
 */
export function packageFolder(): string {
  let folder = new URL('.', import.meta.url);
  while (!existsSync(new URL('package.json', folder))) {
    const above = new URL('..', folder);
    if (above.href === folder.href) throw new Error('partial-rewrite runs outside its package');
    folder = above;
  }
  return fileURLToPath(folder);
}

/** The version in a package.json. */
export function versionIn(path: string): string {
  return z.looseObject({ version: z.string() }).parse(JSON.parse(readFileSync(path, 'utf8'))).version;
}

/** This package's version. */
export function ownVersion(): string {
  return versionIn(join(packageFolder(), 'package.json'));
}

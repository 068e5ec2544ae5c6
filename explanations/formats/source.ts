import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { decodeText, readText, UsageError } from '../../harness/index.js';

/** What a path names: one file, read; or a folder with files below it, not yet read. */
export type Source =
  | { readonly kind: 'file'; readonly path: string; readonly name: string; readonly text: string }
  | {
      readonly kind: 'folder';
      readonly path: string;
      /** Paths within the folder, with `/`, in the order of their names, numbers by value. */
      readonly files: readonly string[];
      /** @throws {Error} that says what is wrong with the file and does not name it */
      readonly read: (file: string) => string;
    };

/** Bytes of a compressed file, and of what comes out of it: a small file may hold a very large one. */
const LARGEST_PACKED = 256 * 2 ** 20;
const LARGEST_UNPACKED = 512 * 2 ** 20;
const DEEPEST = 3;
const MOST_FILES = 2_000_000;

function unpacked(path: string): string {
  const stat = statSync(path);
  if (!stat.isFile()) throw new Error('it is no plain file');
  if (stat.size > LARGEST_PACKED) throw new Error(`it has ${stat.size} bytes, and at most ${LARGEST_PACKED} are read`);
  return decodeText(gunzipSync(readFileSync(path), { maxOutputLength: LARGEST_UNPACKED }));
}

function textOf(path: string): string {
  const text = path.endsWith('.gz') ? unpacked(path) : readText(path);
  const plain = text.startsWith('\ufeff') ? text.slice(1) : text;
  // Tables of old Macintosh programs end their lines with a carriage return alone.
  return plain.includes('\r') && !plain.includes('\n') ? plain.replaceAll('\r', '\n') : plain;
}

function filesBelow(folder: string, below = '', depth = 0): string[] {
  const found: string[] = [];
  for (const entry of readdirSync(join(folder, below), { withFileTypes: true })) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isFile() || entry.isSymbolicLink()) found.push(path);
    else if (entry.isDirectory() && depth < DEEPEST)
      for (const each of filesBelow(folder, path, depth + 1)) found.push(each);
    if (found.length > MOST_FILES) throw new Error(`it has more than ${MOST_FILES} files`);
  }
  return found;
}

const byName = new Intl.Collator('en', { numeric: true });

/** @throws {UsageError} `EXPLANATIONS_UNREADABLE` when there is neither a folder nor a file that can be read */
export function openSource(path: string): Source {
  try {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
      const files = filesBelow(path).sort(byName.compare);
      return { kind: 'folder', path, files, read: (file) => textOf(join(path, file)) };
    }
    return { kind: 'file', path, name: basename(path), text: textOf(path) };
  } catch (cause) {
    throw new UsageError(
      'EXPLANATIONS_UNREADABLE',
      `Explanations could not be read from ${path}: ${cause instanceof Error ? cause.message : String(cause)}.`,
      'Check the path, or write explanations with `partial-rewrite explain`.',
      { cause },
    );
  }
}

/** The files of a source that a format reads, each with the name that errors give it; a file that cannot be read is null. */
export function* textsOf(
  source: Source,
  wanted: (file: string) => boolean,
): Generator<{ readonly file: string; readonly text: string | null; readonly problem: string }> {
  if (source.kind === 'file') {
    yield { file: source.name, text: source.text, problem: '' };
    return;
  }
  for (const file of source.files.filter(wanted)) {
    try {
      yield { file, text: source.read(file), problem: '' };
    } catch (error) {
      yield { file, text: null, problem: error instanceof Error ? error.message : String(error) };
    }
  }
}

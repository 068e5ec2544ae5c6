import { isUtf8 } from 'node:buffer';
import { existsSync, readFileSync, statSync } from 'node:fs';

/** More than any tokenizer or configuration has; what is larger is no text to be read at once. */
const LARGEST_TEXT = 256 * 2 ** 20;

/**
 * The text of a file that came from elsewhere. Only a plain file of a sane size is opened: a pipe would keep the process
 * waiting for whoever writes into it, and a device may have no end.
 * @param largest bytes that are read at the most
 * @throws {Error} for anything else; its message says what is wrong with the file and does not name it
 */
export function readText(path: string, largest = LARGEST_TEXT): string {
  if (!existsSync(path)) throw new Error('there is no such file');
  const stat = statSync(path);
  if (!stat.isFile()) throw new Error('it is no plain file');
  if (stat.size > largest) throw new Error(`it has ${stat.size} bytes, and at most ${largest} are read`);
  return decodeText(readFileSync(path));
}

const LINE_FEED = 10;

/**
 * Text of UTF-8 bytes.
 * @throws {Error} for any other bytes, which would turn into marks that stand for nothing; its message names the line
 */
export function decodeText(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (isUtf8(buffer)) return buffer.toString('utf8');
  const wide = (buffer[0] === 0xff && buffer[1] === 0xfe) || (buffer[0] === 0xfe && buffer[1] === 0xff);
  if (wide) throw new Error('it is UTF-16; save it as UTF-8');
  let line = 1;
  for (let start = 0; ; line++) {
    const end = buffer.indexOf(LINE_FEED, start);
    if (end < 0 || !isUtf8(buffer.subarray(start, end))) break;
    start = end + 1;
  }
  throw new Error(`line ${line} is not UTF-8`);
}

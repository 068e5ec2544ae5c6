import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { z } from 'zod';
import { UsageError } from '../../harness/index.js';
import { type Answer, answerSchema } from './answer.js';
import { lockFile } from './lock.js';

interface Kept {
  get(key: string): Promise<Answer | undefined>;
  /** Resolves once the answer would survive a crash; a key's first answer stays. */
  put(key: string, answer: Answer): Promise<void>;
  close(): Promise<void>;
}

/** Keeps answers so that none is paid for twice. Keys come from `answerKey`. */
export interface RatingStore extends Kept {
  /**
   * The kept answer, or that of `ask`, which is kept before it is given. Whoever wants a key that is being asked waits
   * for the same answer. `null`, no answer, is given but not kept.
   */
  getOrAsk(key: string, ask: () => Promise<Answer | null>): Promise<Answer | null>;
}

function askingOnce(kept: Kept): RatingStore {
  const underWay = new Map<string, Promise<Answer | null>>();
  async function askAndKeep(key: string, ask: () => Promise<Answer | null>): Promise<Answer | null> {
    const known = await kept.get(key);
    if (known !== undefined) return known;
    const answer = await ask();
    if (answer !== null) await kept.put(key, answer);
    return answer;
  }
  return {
    ...kept,
    getOrAsk(key, ask) {
      const found = underWay.get(key);
      if (found !== undefined) return found;
      const made = askAndKeep(key, ask).finally(() => underWay.delete(key));
      underWay.set(key, made);
      return made;
    },
  };
}

/** Everything that decides an answer. The explanation and the text window are in the prompt, as the endpoint reads them. */
export interface AnswerIdentity {
  readonly model: string;
  readonly system: string;
  readonly user: string;
  readonly sampling: Readonly<Record<string, number | boolean>>;
}

/** sha256 over the content of a query, in hex: the same question is the same key in every run. */
export function answerKey({ model, system, user, sampling }: AnswerIdentity): string {
  const sorted = Object.entries(sampling).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify([model, system, user, sorted]))
    .digest('hex');
}

/** Keeps answers as long as the process lives. */
export function memoryStore(): RatingStore {
  const answers = new Map<string, Answer>();
  return askingOnce({
    get: async (key) => answers.get(key),
    put: async (key, answer) => {
      if (!answers.has(key)) answers.set(key, answer);
    },
    close: async () => {},
  });
}

const HEADER = { schema: 'partial-rewrite/answers@1' };
const recordSchema = z.object({ key: z.string(), answer: answerSchema });

function parseRecord(line: string, where: string): z.infer<typeof recordSchema> {
  try {
    return recordSchema.parse(JSON.parse(line));
  } catch (cause) {
    throw new UsageError('STORE_DAMAGED', `${where} is no stored answer.`, 'Delete that line to ask it again.', {
      cause,
    });
  }
}

function checkHeader(line: string, path: string): void {
  let schema: unknown;
  try {
    schema = z.object({ schema: z.string() }).parse(JSON.parse(line)).schema;
  } catch {
    schema = 'not a store of answers';
  }
  if (schema === HEADER.schema) return;
  throw new UsageError(
    'STORE_VERSION',
    `${path} is ${String(schema)}, not ${HEADER.schema}.`,
    'Name another file; this one is left as it is.',
  );
}

/** Reads all answers and cuts off a last line that a crash left torn. */
async function load(file: FileHandle, path: string): Promise<Map<string, Answer>> {
  const answers = new Map<string, Answer>();
  const bytes = await file.readFile();
  const whole = bytes.lastIndexOf(0x0a) + 1;
  // Only a torn line of ours may be cut; anything else that lacks a newline is somebody's file.
  if (whole === 0 && bytes.length > 0 && !`${JSON.stringify(HEADER)}\n`.startsWith(bytes.toString('utf8'))) {
    checkHeader(bytes.toString('utf8', 0, 200), path);
  }
  const lines = bytes.toString('utf8', 0, whole).split('\n').slice(0, -1);
  if (lines[0] !== undefined) checkHeader(lines[0], path);
  for (const [index, line] of lines.entries()) {
    if (index === 0 || line === '') continue;
    const { key, answer } = parseRecord(line, `${path}, line ${index + 1},`);
    if (!answers.has(key)) answers.set(key, answer);
  }
  await file.truncate(whole);
  if (whole === 0) {
    await file.appendFile(`${JSON.stringify(HEADER)}\n`);
    await file.sync();
  }
  return answers;
}

interface Waiting {
  readonly key: string;
  readonly line: string;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * An append-only file of JSON lines, read whole when opened. Answers that arrive while the disk is busy share the next
 * write and sync, so that durability costs little under load.
 * @throws {UsageError} for a file of another version or kind, for a damaged line that is not the last, and while another
 *   process has it open: opening cuts off a torn line, which could be one that is being written
 */
export async function openStore(path: string): Promise<RatingStore> {
  const file = await open(path, 'a+').catch((cause: unknown) => {
    throw new UsageError(
      'STORE_UNREADABLE',
      `Answers could not be kept in ${path}.`,
      'Name a file in a folder that can be written.',
      {
        cause,
      },
    );
  });
  let unlock = async () => {};
  let answers: Map<string, Answer>;
  try {
    unlock = await lockFile(path);
    answers = await load(file, path);
  } catch (error) {
    await file.close();
    await unlock();
    throw error;
  }
  let waiting: Waiting[] = [];
  let writing: Promise<void> | null = null;

  const flush = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      try {
        await file.appendFile(batch.map(({ line }) => line).join(''));
        await file.sync();
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { key, reject } of batch) {
          answers.delete(key);
          reject(error);
        }
      }
    }
    writing = null;
  };

  return askingOnce({
    get: async (key) => answers.get(key),
    put(key, answer) {
      if (answers.has(key)) return writing ?? Promise.resolve();
      answers.set(key, answer);
      return new Promise((resolve, reject) => {
        waiting.push({ key, line: `${JSON.stringify({ key, answer })}\n`, resolve, reject });
        writing ??= flush();
      });
    },
    async close() {
      await writing;
      await file.close();
      await unlock();
    },
  });
}

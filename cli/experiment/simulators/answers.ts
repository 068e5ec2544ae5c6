import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Answers, openAnswers } from '../../../replacements/index.js';

/** The answers paid for so far: opened when first needed, shared by all simulators and writers of a run. */
export interface SharedAnswers {
  open(): Promise<Answers>;
  close(): Promise<void>;
}

export function sharedAnswers(cache: string): SharedAnswers {
  let opened: Promise<Answers> | undefined;
  const open = async (): Promise<Answers> => {
    await mkdir(cache, { recursive: true });
    return openAnswers(join(cache, 'answers'));
  };
  return {
    open() {
      opened ??= open();
      return opened;
    },
    async close() {
      await (await opened?.catch(() => undefined))?.close();
    },
  };
}

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { openStore, type RatingStore } from '../../../replacements/index.js';

/** The answers paid for so far: opened when first needed, shared by all simulators of a run. */
export interface AnswerStore {
  open(): Promise<RatingStore>;
  close(): Promise<void>;
}

export function answerStore(cache: string): AnswerStore {
  let opened: Promise<RatingStore> | undefined;
  const open = async (): Promise<RatingStore> => {
    await mkdir(cache, { recursive: true });
    return openStore(join(cache, 'ratings.jsonl'));
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

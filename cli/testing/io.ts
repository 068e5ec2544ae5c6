import { silent } from '../experiment/progress.js';
import type { Io } from '../io.js';

/** A world that only listens: what was printed and noted is kept, and nobody answers a question unless told to. */
export interface FakeIo extends Io {
  readonly printed: readonly string[];
  readonly noted: readonly string[];
  readonly asked: readonly string[];
}

export function fakeIo(
  environment: Io['environment'],
  { answer = false, signal = new AbortController().signal }: { answer?: boolean; signal?: AbortSignal } = {},
): FakeIo {
  const printed: string[] = [];
  const noted: string[] = [];
  const asked: string[] = [];
  return {
    printed,
    noted,
    asked,
    environment,
    signal,
    progress: silent,
    now: () => new Date('2026-01-02T03:04:05Z'),
    print: (text) => void printed.push(text),
    note: (text) => void noted.push(text),
    async confirm(question) {
      asked.push(question);
      return answer;
    },
  };
}

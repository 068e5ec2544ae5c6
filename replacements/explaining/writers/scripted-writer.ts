import type { Answered } from '../../judges/index.js';
import type { TextQuery } from '../../simulated/asking/text.js';
import type { Writer } from './writer.js';

/** Writes what a function says, and keeps what it was asked. For tests and dry runs. */
export function scriptedWriter(
  script: (query: TextQuery, at: number) => string | Answered<string>,
  id = 'scripted',
): Writer & { readonly queries: readonly TextQuery[] } {
  const queries: TextQuery[] = [];
  return {
    id,
    queries,
    async write(query, signal) {
      signal.throwIfAborted();
      const answer = script(query, queries.push(query) - 1);
      return typeof answer === 'string' ? { value: answer } : answer;
    },
  };
}

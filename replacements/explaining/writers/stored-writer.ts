import type { Answered } from '../../judges/index.js';
import type { TextAnswer } from '../../simulated/asking/text.js';
import { type EngineOptions, textExchange } from '../../simulated/endpoints/index.js';
import type { AnswerStore } from '../../simulated/store/index.js';
import { written } from './endpoint-writer.js';
import type { Writer } from './writer.js';

/** Asks nobody: what is not stored is missing. */
export interface StoredWriter extends Writer {
  /** Questions so far that have no stored answer. */
  readonly unanswered: number;
}

/** Writes what is stored already, with the name and the keys of the endpoints that it stands for. */
export function storedWriter({
  store,
  ...asked
}: Pick<EngineOptions<TextAnswer>, 'model' | 'extraBody'> & {
  readonly store: Pick<AnswerStore<TextAnswer>, 'get'>;
}): StoredWriter {
  const { key } = textExchange(asked);
  const unanswered = new Set<string>();
  return {
    id: `openai:${asked.model}`,
    get unanswered() {
      return unanswered.size;
    },
    async write(query, signal): Promise<Answered<string>> {
      signal.throwIfAborted();
      const answer = await store.get(key(query));
      if (answer !== undefined) return written(answer);
      unanswered.add(key(query));
      return { missing: 'no stored answer' };
    },
  };
}

import type { SlotAnswer } from '../asking/query.js';
import type { SurprisalAnswer } from '../asking/surprisal.js';
import type { TextAnswer } from '../asking/text.js';
import { packAnswer, unpackAnswer } from './pack.js';
import { packSurprisal, unpackSurprisal } from './pack-surprisal.js';
import { packText, unpackText } from './pack-text.js';

/** Where answers lie, by `queryKey`: a sha256 in hex over all that decides an answer. */
export interface KeptAnswers<Answer = SlotAnswer> {
  get(key: string): Promise<Answer | undefined>;
  /** For each key, in order, whether it is answered: what a plan need not ask. */
  has(keys: readonly string[]): Promise<boolean[]>;
  /** Resolves once the answer would survive a crash; a key's first answer stays. */
  put(key: string, answer: Answer): Promise<void>;
  /** How many answers are kept, of all kinds. */
  count(): Promise<number>;
  /** Waits for the puts under way. Closing twice is allowed. */
  close(): Promise<void>;
}

/** Keeps answers so that none is paid for twice. */
export interface AnswerStore<Answer = SlotAnswer> extends KeptAnswers<Answer> {
  /**
   * The kept answer, or that of `ask`, rounded as it is kept, and kept before it is given. Whoever wants a key that is
   * being asked waits for the same answer. `null`, no answer, is given but not kept.
   */
  getOrAsk(key: string, ask: () => Promise<Answer | null>): Promise<Answer | null>;
}

/** A place for ratings and, beside them, for answers in prose and for surprisals: one folder, opened and closed as one. */
export interface Answers extends AnswerStore {
  readonly texts: AnswerStore<TextAnswer>;
  readonly surprisals: AnswerStore<SurprisalAnswer>;
}

/** How answers of one kind become bytes. Packing may round; what was packed and unpacked packs to the same bytes. */
interface Packing<Answer> {
  pack(answer: Answer): Uint8Array;
  /** @throws {RangeError} for bytes that `pack` did not make */
  unpack(bytes: Uint8Array): Answer;
}

const ratings: Packing<SlotAnswer> = { pack: packAnswer, unpack: unpackAnswer };
const texts: Packing<TextAnswer> = { pack: packText, unpack: unpackText };
const surprisals: Packing<SurprisalAnswer> = { pack: packSurprisal, unpack: unpackSurprisal };

function packed<Answer>(
  bytes: KeptAnswers<Uint8Array>,
  { pack, unpack }: Packing<Answer>,
  damaged: (error: unknown) => unknown,
): AnswerStore<Answer> {
  const underWay = new Map<string, Promise<Answer | null>>();
  async function get(key: string): Promise<Answer | undefined> {
    const found = await bytes.get(key);
    if (found === undefined) return undefined;
    try {
      return unpack(found);
    } catch (error) {
      throw damaged(error);
    }
  }
  async function askAndKeep(key: string, ask: () => Promise<Answer | null>): Promise<Answer | null> {
    const known = await get(key);
    if (known !== undefined) return known;
    const asked = await ask();
    if (asked === null) return null;
    const answer = pack(asked);
    await bytes.put(key, answer);
    return unpack(answer);
  }
  return {
    ...bytes,
    get,
    put: (key, answer) => bytes.put(key, pack(answer)),
    getOrAsk(key, ask) {
      const found = underWay.get(key);
      if (found !== undefined) return found;
      const made = askAndKeep(key, ask).finally(() => underWay.delete(key));
      underWay.set(key, made);
      return made;
    },
  };
}

/**
 * Answers of each kind in one place of bytes. A key is over what an answer holds, so kinds never share one.
 * @param damaged what is thrown for bytes that are no answer
 */
export function answersIn(
  bytes: KeptAnswers<Uint8Array>,
  damaged: (error: unknown) => unknown = (error) => error,
): Answers {
  return {
    ...packed(bytes, ratings, damaged),
    texts: packed(bytes, texts, damaged),
    surprisals: packed(bytes, surprisals, damaged),
  };
}

/** Keeps answers as long as the process lives, rounded as a store on disk rounds them. */
export function memoryAnswers(): Answers {
  const kept = new Map<string, Uint8Array>();
  return answersIn({
    get: async (key) => kept.get(key),
    has: async (keys) => keys.map((key) => kept.has(key)),
    async put(key, bytes) {
      if (!kept.has(key)) kept.set(key, bytes);
    },
    count: async () => kept.size,
    close: async () => {},
  });
}

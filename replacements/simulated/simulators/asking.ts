import { setMaxListeners } from 'node:events';
import { explanationText } from '../../../explanations/index.js';
import { settleAll, UsageError } from '../../../harness/index.js';
import type { Asker, ExplainedLatent, QueryShape, ShapedQuery } from '../asking/query.js';
import { ratingBlock, risingLatents } from '../rating-block.js';
import { type ReadOut, readAnswer } from '../read-outs/index.js';
import type { MissingReason, Simulator } from '../simulator.js';

export interface AskingOptions {
  readonly asker: Asker;
  readonly shape: QueryShape;
  readonly readOut: ReadOut;
  /** Name in tables; default: those of asker, shape and read-out. */
  readonly id?: string;
  /** Queries that the asker has at once, at most; it may hold back more. Queries behind them are not even written yet. */
  readonly underWay?: number;
}

/** Takes the next item whenever less than `most` are being worked on; after a failure none, and waits for those. */
async function forEachOf<T>(items: Iterable<T>, most: number, work: (item: T) => Promise<void>): Promise<void> {
  const iterator = items[Symbol.iterator]();
  let failed = false;
  const worker = async (): Promise<void> => {
    while (!failed) {
      const next = iterator.next();
      if (next.done === true) return;
      try {
        await work(next.value);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await settleAll(Array.from({ length: most }, worker));
}

const REASONS = ['not asked', 'failed', 'no stored answer', 'refused', 'unreadable answer', 'no explanation'] as const;
const RATED = REASONS.length;

/** One rating or reason for each row and latent: 5 bytes a pair, however many are asked. */
function ratingTable(rows: number, latents: Uint32Array) {
  const ratings = new Float32Array(rows * latents.length);
  const states = new Uint8Array(rows * latents.length).fill(REASONS.indexOf('not asked'));
  const columns = new Map(Array.from(latents, (latent, column) => [latent, column]));
  return {
    put(row: number, latent: number, rating: number | MissingReason): void {
      const at = row * latents.length + columns.get(latent)!;
      if (typeof rating === 'string') states[at] = REASONS.indexOf(rating);
      else {
        states[at] = RATED;
        ratings[at] = rating;
      }
    },
    get(row: number, latent: number): number | MissingReason {
      const at = row * latents.length + columns.get(latent)!;
      return REASONS[states[at]!] ?? ratings[at]!;
    },
  };
}

/** What is wrong with one question, whoever it is put to. */
const OF_QUESTION: readonly string[] = ['PROMPT_TOO_LONG', 'UNKNOWN_TOKEN', 'BAD_CHAT_TEMPLATE', 'EMPTY_PROMPT'];

/** The error, saying which latents were asked about: most often it is an explanation that makes a question impossible. */
function naming(slots: ShapedQuery['slots'], error: unknown): unknown {
  if (!(error instanceof UsageError && OF_QUESTION.includes(error.code))) return error;
  const [first, ...others] = new Set(slots.map(({ latent }) => latent));
  const about = others.length === 0 ? `latent ${first}` : `latent ${first} and ${others.length} more`;
  return new UsageError(error.code, `Asking about ${about}: ${error.found}`, error.next, { cause: error });
}

/**
 * Puts explanations and contexts into queries of one shape, has them answered, and reads ratings out of the answers.
 * Reads every style; patterns as their English sentence. Queries are written as they are asked, so memory grows with those
 * under way, not with contexts x latents. What cannot be had, read, or is refused is missing, by its reason.
 * @throws {UsageError} from `rate` as the asker throws it, naming the latents where it is about one question, after the answers
 *   that were under way have come
 */
export function askingSimulator({ asker, shape, readOut, id, underWay = 256 }: AskingOptions): Simulator {
  return {
    id: id ?? `${asker.id}/${shape.id}/${readOut.id}`,
    read(explanations) {
      const latents = risingLatents(explanations);
      const explained = new Map<number, ExplainedLatent>();
      for (const latent of latents) explained.set(latent, { latent, text: explanationText(explanations.get(latent)!) });
      const all = [...explained.values()];
      return {
        async rate({ context, positions, asked }, signal) {
          signal.throwIfAborted();
          const shared = AbortSignal.any([signal]);
          // Every query under way may listen to it; the default of 10 is a guard against leaks that are not here.
          setMaxListeners(0, shared);
          const table = ratingTable(positions.length, latents);
          const some = (row: number) => Array.from(asked?.(row) ?? [], (latent) => explained.get(latent)!);
          const queries = shape.shape(context, positions, asked === undefined ? () => all : some);
          await forEachOf(queries, underWay, async ({ query, slots }) => {
            signal.throwIfAborted();
            const answer = await asker.ask(query, shared).catch((error: unknown) => {
              throw naming(slots, error);
            });
            const ratings = readAnswer(answer, query.expects, readOut, asker.noAnswerMeans);
            for (const [i, { row, latent }] of slots.entries()) table.put(row, latent, ratings[i]!);
          });
          signal.throwIfAborted();
          return ratingBlock(positions, latents, table.get, asked);
        },
      };
    },
  };
}

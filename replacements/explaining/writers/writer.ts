import type { Answered } from '../../judges/index.js';
import type { TextQuery } from '../../simulated/asking/text.js';

/** Whoever writes prose when asked, by whatever way: a server, a script. */
export interface Writer {
  /** Short name in tables and provenance, such as `openai:llama-3.1-70b`. */
  readonly id: string;
  /**
   * @returns what was written, as it came, or why there is nothing; what the limit of tokens cut off is unreadable
   * @throws {UsageError} for what no retry can mend; `BudgetReached`; the signal's reason when aborted
   */
  write(query: TextQuery, signal: AbortSignal): Promise<Answered<string>>;
}

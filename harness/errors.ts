/**
 * The user's mistake: printed as two lines, what was found and what to do next, without a stack.
 * Anything else that is thrown is a bug and keeps its stack.
 */
export class UsageError extends Error {
  /**
   * @param code for tests and scripts, in UPPER_SNAKE
   * @param found one line: what was found, naming the file, tensor or value
   * @param next one line: what the user can do about it
   */
  constructor(
    readonly code: string,
    readonly found: string,
    readonly next: string,
    options?: ErrorOptions,
  ) {
    super(`${found}\n  ${next}`, options);
    this.name = 'UsageError';
  }
}

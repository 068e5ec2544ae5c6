/** A stretch of tokens that the model reads at once, with no memory of any other. */
export interface Context {
  /** First 16 hex digits of the sha256 over the token ids: the same tokens are the same context, wherever they came from. */
  readonly id: string;
  /** Token ids in reading order. */
  readonly tokens: Int32Array;
  /** `text[i]` is the surface form of token `i`; joined, they read as the text. */
  readonly text: readonly string[];
}

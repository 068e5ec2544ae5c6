/** A text that a language model reads behind another one. */
export interface SurprisalQuery {
  readonly before: string;
  readonly text: string;
}

/** How surprising the text was, nats over all its tokens, as it is stored. One with an impossible token is unreadable. */
export type SurprisalAnswer =
  | { readonly kind: 'read'; readonly nats: number; readonly tokens: number }
  | { readonly kind: 'unreadable' };

import { sha256 } from '../../../harness/index.js';

/** Names text that explanations were written from, by the ids of its contexts in order. */
export const evidenceHash = (contexts: readonly string[]): string => sha256(...contexts).slice(0, 16);

/** What explanations say of their making: the coder, and a hash of the contexts that they were written from. */
export function madeFrom(
  coder: { readonly spec: { readonly id: string } },
  contexts: readonly string[],
): { readonly coder: string; readonly evidence: string } {
  return { coder: coder.spec.id, evidence: evidenceHash(contexts) };
}

import { sha256 } from '../../../harness/index.js';

/** What explanations say of their making: the coder, and a hash of the contexts that they were written from. */
export function madeFrom(
  coder: { readonly spec: { readonly id: string } },
  contexts: readonly string[],
): { readonly coder: string; readonly evidence: string } {
  return { coder: coder.spec.id, evidence: sha256(...contexts).slice(0, 16) };
}

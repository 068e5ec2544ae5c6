import type { Architecture } from './architecture.js';
import { gptNeox } from './gpt-neox.js';
import { llama } from './llama.js';

export type { Architecture } from './architecture.js';

/** One line for each architecture whose node names are known; others are cut by the structure of their graph. */
export const architectures: readonly Architecture[] = [
  gptNeox, //
  llama,
];

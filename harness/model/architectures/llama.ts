import type { Architecture } from './architecture.js';

/** Llama and what is exported like it: attention first, then the MLP on their sum. */
export const llama: Architecture = {
  modelType: 'llama',
  block: '/model/layers.{layer}/',
  mlp: '/model/layers.{layer}/mlp/',
};

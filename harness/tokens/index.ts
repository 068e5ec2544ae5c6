export { contextsOf, makeContext } from './contexts.js';
export { readTexts } from './texts.js';
export { openTokenizer, type Tokenizer } from './tokenizer.js';

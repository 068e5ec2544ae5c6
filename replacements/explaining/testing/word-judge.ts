import { explanationText } from '../../../explanations/index.js';
import type { DetectingJudge } from '../detect.js';

/** Says that a text makes a latent fire where any of its words stands in the explanation. Keeps what it was asked. */
export function wordJudge(sure = 1): DetectingJudge & { readonly texts: readonly string[] } {
  const texts: string[] = [];
  return {
    id: 'words',
    texts,
    async activates({ explanation, text }) {
      texts.push(text.join(''));
      const words = new Set(explanationText(explanation).split(/\W+/));
      const found = text.some((token) => words.has(token.trim()));
      return { value: found ? sure : 1 - sure };
    },
  };
}

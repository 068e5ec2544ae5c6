import { z } from 'zod';
import { saidSchema } from './answers.js';
import { form } from './form.js';

/** One paragraph of plain text. */
export const sentenceForm = form({
  style: 'sentence',
  fields(answer) {
    const text = answer.trim();
    return /[\r\n\u2028\u2029]/.test(text) ? { wrong: 'It was not one paragraph.' } : { value: { text } };
  },
  schema: z.strictObject({ text: saidSchema }),
  explanation: (about, { text }) => ({ ...about, style: 'sentence', text }),
});

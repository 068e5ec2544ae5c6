import { z } from 'zod';
import { jsonAnswer, saidSchema } from './answers.js';
import { form } from './form.js';

/** `{"fires": …, "not": …}` */
export const contrastiveForm = form({
  style: 'contrastive',
  fields: jsonAnswer,
  schema: z.strictObject({ fires: saidSchema, not: saidSchema }),
  explanation: (about, fields) => ({ ...about, style: 'contrastive', ...fields }),
});

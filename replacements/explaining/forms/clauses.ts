import { z } from 'zod';
import { jsonAnswer, saidSchema } from './answers.js';
import { form } from './form.js';

/** A strength of 0 would be a clause about silence. */
const strength = z.number().gt(0).max(9);

/** `{"clauses": [{"when": …, "strength": 9}]}` */
export const clausesForm = form({
  style: 'clauses',
  fields: jsonAnswer,
  schema: z.strictObject({
    clauses: z
      .array(z.strictObject({ when: saidSchema, strength }))
      .min(1)
      .max(20),
  }),
  explanation: (about, { clauses }) => ({ ...about, style: 'clauses', clauses }),
});

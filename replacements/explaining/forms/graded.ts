import { z } from 'zod';
import { jsonAnswer, saidSchema } from './answers.js';
import { form } from './form.js';

/** `{"9": …, "6": …, "3": …, "1": …}`, all but the first may be left out. */
export const gradedForm = form({
  style: 'graded',
  fields: jsonAnswer,
  schema: z.strictObject({
    '9': saidSchema,
    '6': saidSchema.optional(),
    '3': saidSchema.optional(),
    '1': saidSchema.optional(),
  }),
  explanation: (about, grades) => ({ ...about, style: 'graded', grades }),
});

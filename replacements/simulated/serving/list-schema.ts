import { z } from 'zod';

const DIGITS = Array.from({ length: 10 }, (_, digit) => digit);

/** `{"ratings": [d, …]}` with a fixed number of digits: what prompts for several ratings ask for. */
const listOfRatings = z
  .strictObject({
    type: z.literal('object'),
    properties: z.strictObject({
      ratings: z.strictObject({
        type: z.literal('array'),
        items: z.strictObject({
          type: z.literal('integer'),
          enum: z.array(z.int()).refine((values) => values.toSorted((a, b) => a - b).join() === DIGITS.join()),
        }),
        minItems: z.int().positive(),
        maxItems: z.int().positive(),
      }),
    }),
    required: z.tuple([z.literal('ratings')]),
    additionalProperties: z.literal(false),
  })
  .refine(({ properties: { ratings } }) => ratings.minItems === ratings.maxItems);

/** How many ratings a JSON schema asks for; `null` where it asks for anything else than a list of ratings. */
export function ratingsOfSchema(schema: unknown): number | null {
  return listOfRatings.safeParse(schema).data?.properties.ratings.maxItems ?? null;
}

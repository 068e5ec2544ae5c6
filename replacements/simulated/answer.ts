import { z } from 'zod';

const tokenLogprob = z.object({ token: z.string(), logprob: z.number() });

/**
 * What an endpoint answered, as kept in the store: enough to read it out again in another way, without the rest of the
 * response. `tokens` are the answer's tokens with the most likely alternatives at each (natural-log probabilities).
 */
export const answerSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('tokens'),
    tokens: z.array(z.object({ token: z.string(), top: z.array(tokenLogprob) })),
  }),
  z.object({ kind: z.literal('refused') }),
]);
export type Answer = z.infer<typeof answerSchema>;
export type TokenLogprob = z.infer<typeof tokenLogprob>;

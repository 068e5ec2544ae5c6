import { z } from 'zod';

/** How many of how many, and the share with its 95 % interval; `null` where there are none to take a share of. */
export const proportionSchema = z.strictObject({
  count: z.number().int().nonnegative(),
  of: z.number().int().nonnegative(),
  share: z.number().min(0).max(1).nullable(),
  ci: z.tuple([z.number(), z.number()]).nullable(),
});
export type Proportion = z.infer<typeof proportionSchema>;

const Z = 1.959964;

/**
 * A share with Wilson's interval, which is sensible at 0 and 1 too.
 * @param distinct how many of the trials are independent: a latent that is tried in several draws is one, not several
 * @see Wilson 1927, https://doi.org/10.1080/01621459.1927.10502953
 */
export function proportion(count: number, of: number, distinct: number = of): Proportion {
  if (of === 0) return { count, of, share: null, ci: null };
  const share = count / of;
  const scale = 1 + Z ** 2 / distinct;
  const centre = (share + Z ** 2 / (2 * distinct)) / scale;
  const half = (Z / scale) * Math.sqrt((share * (1 - share)) / distinct + Z ** 2 / (4 * distinct ** 2));
  return { count, of, share, ci: [Math.max(0, centre - half), Math.min(1, centre + half)] };
}

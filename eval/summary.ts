import { z } from 'zod';

/** A mean with its standard error and 95 % interval by paired bootstrap over contexts. */
export const estimateSchema = z.strictObject({
  mean: z.number(),
  se: z.number().nonnegative(),
  ci: z.tuple([z.number(), z.number()]),
});
export type Estimate = z.infer<typeof estimateSchema>;

/** A ratio of means, e.g. the recovered share; `null` with a reason where its denominator is not above 0. */
export const shareSchema = z.union([
  z.strictObject({ mean: z.number(), ci: z.tuple([z.number(), z.number()]) }),
  z.strictObject({ mean: z.null(), why: z.string() }),
]);
export type Share = z.infer<typeof shareSchema>;

export const armSchema = z.strictObject({
  id: z.string(),
  /** original, zero-output, zero-latents, mean, resample, coder, simulated, oracle-*, control-* */
  kind: z.string(),
  style: z.string().nullable(),
  simulator: z.string().nullable(),
  calibration: z.string().nullable(),
  /** Which latents are rewritten first: `top` by F1 of firing on held-out evidence, or `sampled`. */
  selection: z.enum(['top', 'sampled']).nullable(),
  fraction: z.number().nullable(),
  positions: z.number().int(),
  /** Latent ratings that did not come, over all positions. */
  missing: z.number().int(),
  ce: estimateSchema,
  deltaCe: estimateSchema,
  kl: estimateSchema,
  /** (dCE(zero-output) - dCE(arm)) / (dCE(zero-output) - dCE(coder)). */
  recovered: shareSchema,
  /** The same for KL. */
  recoveredKl: shareSchema,
  /** Share of positions where the most likely next token is the original model's. */
  top1: estimateSchema,
});
export type Arm = z.infer<typeof armSchema>;

/** `summary.json`: what a run found. Units: nats per token; KL is KL(original || arm). */
export const summarySchema = z.strictObject({
  schema: z.literal('partial-rewrite/summary@1'),
  units: z.strictObject({ ce: z.literal('nats/token'), kl: z.literal('nats/token') }),
  model: z.string(),
  hookpoint: z.string(),
  protocol: z.enum(['last', 'all']),
  contexts: z.number().int(),
  positions: z.number().int(),
  original: z.strictObject({ ce: z.number() }),
  /** True where the budget or an interrupt ended the run before its plan did. */
  partial: z.boolean(),
  arms: z.array(armSchema),
});
export type Summary = z.infer<typeof summarySchema>;

import { z } from 'zod';
import { coderFormats, RECIPE } from '../../replacements/index.js';
import { budgetSchema, priceTableSchema } from './budget.js';
import { entryName, simulatedSchema } from './entry-schema.js';

export {
  type AskingPlan,
  type CalibrationConfig,
  entryName,
  type SimulatedConfig,
  writingOf,
} from './entry-schema.js';

const count = z.number().int().positive();

/** Some documents of a text file: `from` counted from 0, `to` not included. */
const textSchema = z.strictObject({
  path: z.string(),
  from: z.number().int().nonnegative().default(0),
  to: z.number().int().positive().optional(),
  /** At most this many contexts, spread evenly over the documents; all that they fill when left out. */
  contexts: count.optional(),
});
export type TextConfig = z.infer<typeof textSchema>;

/** How a coder is trained on first use; the result is cached by the content of the recipe, the model and the text. */
export const recipeSchema = z
  .strictObject({
    kind: z.enum(['transcoder', 'sae']).default('transcoder'),
    latents: count.default(RECIPE.latents),
    k: count.default(RECIPE.k),
    /** Default: true for a transcoder. An SAE cannot have one: it would copy its input. */
    skip: z.boolean().optional(),
    epochs: count.default(RECIPE.epochs),
    batch: count.default(RECIPE.batch),
    rate: z.number().positive().default(RECIPE.rate),
    seed: z.number().int().default(RECIPE.seed),
  })
  .refine(({ kind, skip }) => kind === 'transcoder' || skip !== true, {
    path: ['skip'],
    error: 'an SAE with a skip path would only copy its input',
  })
  .refine(({ k, latents }) => k <= latents, { path: ['k'], error: 'larger than the number of latents' })
  .transform((recipe) => ({ ...recipe, skip: recipe.skip ?? recipe.kind === 'transcoder' }));
export type Recipe = z.infer<typeof recipeSchema>;

/** Tensor names, where neither node names nor structure find the hookpoint. */
const tensorsSchema = z.strictObject({ reads: z.string(), writes: z.string() });

const coderSchema = z.union([
  z.strictObject({ sparsify: z.string() }),
  /** Any format that is known, told by its files; what they leave open is said here. */
  z.strictObject({
    path: z.string(),
    format: z.enum(coderFormats).optional(),
    kind: z.enum(['transcoder', 'sae']).optional(),
    /** Which of a set's coders, where one folder holds those of many layers. */
    layer: z.number().int().nonnegative().optional(),
    /** What it was trained to read and write, where that is not what its format implies. */
    reads: z.enum(['input', 'normalized', 'residual']).optional(),
    writes: z.enum(['output', 'added']).optional(),
    /** What its inputs were multiplied by in training, where the weights do not hold it. */
    inputScale: z.number().positive().optional(),
  }),
  z.strictObject({ train: recipeSchema }),
]);
export type CoderConfig = z.infer<typeof coderSchema>;

/** One place of the model that is rewritten, and the coder that rewrites it. */
const rewriteSchema = z.strictObject({
  hookpoint: z.string(),
  tensors: tensorsSchema.optional(),
  coder: coderSchema,
});
export type RewriteConfig = z.infer<typeof rewriteSchema>;

/** An experiment file as it is written. Paths are taken from the file's own folder. */
const writtenSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[\w.-]+$/, 'letters, digits, dots, dashes and underscores only')
    .optional(),
  model: z.string(),
  hookpoint: z.string().optional(),
  tensors: tensorsSchema.optional(),
  coder: coderSchema.optional(),
  /** Several hookpoints, rewritten together, in place of `hookpoint` and `coder`. */
  rewrites: z
    .array(rewriteSchema)
    .min(1)
    .refine(
      (rewrites) => new Set(rewrites.map(({ hookpoint }) => hookpoint)).size === rewrites.length,
      'a hookpoint is named twice',
    )
    .optional(),
  /** `last` edits and scores one position a context, `all` every one. */
  protocol: z.enum(['last', 'all']).default('last'),
  /** Tokens in a context; under `last`, a random length from `min` to `max` for each. */
  context: z
    .strictObject({ min: z.number().int().min(2), max: z.number().int().min(2) })
    .refine(({ min, max }) => min <= max, 'min is larger than max')
    .default({ min: 128, max: 128 }),
  texts: z.strictObject({
    /** Where explanations, scales, means and tables come from; also trains the coder, unless `training` is given. */
    evidence: textSchema,
    training: textSchema.optional(),
    /** Where calibrations are fitted and latents are ranked. Neither evidence nor evaluation. */
    calibration: textSchema,
    evaluation: textSchema,
  }),
  /** What becomes of contexts of the evidence that have a stretch of calibration or evaluation text. */
  contamination: z.enum(['refuse', 'leave-out']).default('refuse'),
  simulated: z
    .array(simulatedSchema)
    .refine(
      (entries) => new Set(entries.map(entryName)).size === entries.length,
      'two entries have the same name; give each a `name`',
    )
    .prefault([]),
  controls: z
    .strictObject({
      ngram: z.array(z.union([z.literal(1), z.literal(2), z.literal(3)])).default([1, 2, 3]),
      meanLatents: z.boolean().default(true),
    })
    .prefault({}),
  /** What becomes of a latent whose rating did not come. */
  missing: z.enum(['drop-position', 'keep-truth']).default('drop-position'),
  /** What paid simulators may spend in one run; a run that reaches it ends with what it has, and a larger one goes on. */
  budget: budgetSchema.default({}),
  prices: priceTableSchema.default({}),
  seed: z.number().int().default(0),
  resamples: count.default(2000),
});

/** An experiment file; one hookpoint and its coder become the only one of `rewrites`. */
export const experimentSchema = writtenSchema.transform(({ hookpoint, tensors, coder, rewrites, ...rest }, context) => {
  if (rewrites !== undefined && hookpoint === undefined && coder === undefined && tensors === undefined) {
    return { ...rest, rewrites };
  }
  if (rewrites === undefined && hookpoint !== undefined && coder !== undefined) {
    return { ...rest, rewrites: [{ hookpoint, ...(tensors && { tensors }), coder }] };
  }
  context.addIssue('give either `hookpoint` and `coder`, or `rewrites` with several of both');
  return z.NEVER;
});
export type Experiment = z.infer<typeof experimentSchema>;

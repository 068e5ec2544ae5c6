import { z } from 'zod';
import { type ExplainedStyle, explainedStyles, type Style, styles } from '../../explanations/index.js';
import { calibrationIds, coderFormats, RECIPE } from '../../replacements/index.js';
import { budgetSchema, priceTableSchema } from './budget.js';
import { simulatorSchema } from './simulators/index.js';
import { proseStyles, type WritingConfig, writingSchema } from './writing/config.js';

const share = z.number().min(0).max(1);
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

const explanationsSchema = z.union([
  z.strictObject({ file: z.string() }),
  z.strictObject({
    /** Written from the evidence on first use; default: in the entry's style. */
    induce: z.union([
      /** Without a language model, at most this many tokens each. */
      z.strictObject({ style: z.enum(explainedStyles).optional(), maxTokens: count.default(64) }),
      /** By a language model. */
      writingSchema.extend({ style: z.enum(proseStyles).optional() }),
    ]),
  }),
]);

/** On held-out text, or on the evaluated positions themselves. */
const calibrationSchema = z.enum(calibrationIds.flatMap((id) => [id, `${id}-in-sample` as const]));
export type CalibrationConfig = z.infer<typeof calibrationSchema>;

const sampling = {
  /** Share of all ratings that is asked. Those of latents that truly fire are asked always. */
  share: z.number().gt(0).max(1),
  /** How often the others are imputed: the more, the narrower the interval that knows of it. */
  imputations: z.number().int().min(2).max(100).default(10),
} as const;

/**
 * Which ratings are asked: all; a sample, with the others imputed from the answers; or a sample in two waves, the second
 * where the first says that it narrows the interval of the contrast most.
 */
const askingPlanSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('exhaustive') }),
  z.strictObject({ kind: z.literal('sampled'), ...sampling }),
  z.strictObject({
    kind: z.literal('adaptive'),
    ...sampling,
    /** The arm whose loss, against anything, is to be known best: the fraction it rewrites, and in which order. */
    contrast: z
      .strictObject({ fraction: share.gt(0).default(1), selection: z.enum(['top', 'sampled']).default('top') })
      .prefault({}),
  }),
]);
export type AskingPlan = z.infer<typeof askingPlanSchema>;

const writtenSimulatedSchema = z.strictObject({
  /** Name in tables; default: the style. */
  name: z.string().optional(),
  /** Default: what is induced, else `pattern`. */
  style: z.enum(styles).nullable().optional(),
  simulator: simulatorSchema,
  /** `null` for simulators that read none. */
  explanations: explanationsSchema.nullable().default(null),
  /** All are measured at fraction 1, the first at every fraction. */
  calibrations: z.array(calibrationSchema).min(1).default(['linear', 'none', 'quantile']),
  fractions: z.array(share).min(1).default([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]),
  selections: z
    .array(z.enum(['top', 'sampled']))
    .min(1)
    .default(['top', 'sampled']),
  /** Which ratings are asked. */
  plan: askingPlanSchema.default({ kind: 'exhaustive' }),
  /** Also measure explanations of other latents in their place. */
  shuffled: z.boolean().default(true),
});

/** Where the explanations of an entry come from. */
type ExplanationsConfig =
  | { readonly file: string }
  | { readonly induce: { readonly style: ExplainedStyle; readonly maxTokens: number } | WritingConfig };

/** An entry of `simulated`. What is induced is in its style. */
export type SimulatedConfig = Omit<z.output<typeof writtenSimulatedSchema>, 'style' | 'explanations'> & {
  readonly style: Style | null;
  readonly explanations: ExplanationsConfig | null;
};

/** Whichever of the two places says the style of what is induced. */
const simulatedSchema = writtenSimulatedSchema.transform(
  ({ style, explanations, ...rest }, context): SimulatedConfig => {
    if (explanations === null || !('induce' in explanations)) {
      return { ...rest, style: style === undefined ? 'pattern' : style, explanations };
    }
    const { induce } = explanations;
    const refuse = (message: string) => {
      context.addIssue({ code: 'custom', path: ['explanations', 'induce', 'style'], message });
      return z.NEVER;
    };
    if (style === null) return refuse('the entry says `style: null`, for which no explanation is read');
    const wanted = induce.style ?? style ?? 'pattern';
    if (style !== undefined && style !== wanted) return refuse(`${wanted}, where the style of the entry is ${style}`);
    if ('by' in induce) {
      const asked = proseStyles.find((each) => each === wanted);
      if (asked === undefined) {
        return refuse(`${wanted} is not written by a language model; these styles are: ${proseStyles.join(', ')}`);
      }
      return { ...rest, style: asked, explanations: { induce: { ...induce, style: asked } } };
    }
    const written = explainedStyles.find((each) => each === wanted);
    const byModel = proseStyles.some((each) => each === wanted) ? '; or say `by` which language model' : '';
    if (written === undefined) {
      return refuse(
        `${wanted} is not written from evidence alone; these styles are: ${explainedStyles.join(', ')}${byModel}`,
      );
    }
    return { ...rest, style: written, explanations: { induce: { ...induce, style: written } } };
  },
);

/** How a language model writes an entry's explanations; `null` where none does. */
export function writingOf({ explanations }: SimulatedConfig): WritingConfig | null {
  if (explanations === null || !('induce' in explanations)) return null;
  const { induce } = explanations;
  return 'by' in induce ? induce : null;
}

/** What an entry of `simulated` is called in tables and ids. */
export function entryName({ name, style, simulator }: SimulatedConfig): string {
  return name ?? style ?? simulator.kind;
}

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

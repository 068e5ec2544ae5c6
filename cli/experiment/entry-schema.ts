import { z } from 'zod';
import { type ExplainedStyle, explainedStyles, type Style, styles } from '../../explanations/index.js';
import { calibrationIds } from '../../replacements/index.js';
import { simulatorSchema } from './simulators/index.js';
import { proseStyles, type WritingConfig, writingSchema } from './writing/config.js';

const share = z.number().min(0).max(1);
const count = z.number().int().positive();

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
export const simulatedSchema = writtenSimulatedSchema.transform(
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

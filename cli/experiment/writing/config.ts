import { z } from 'zod';
import type { Style } from '../../../explanations/index.js';
import { UsageError } from '../../../harness/index.js';
import { type DrawPlan, SHOWN_PLANS, type WrittenStyle } from '../../../replacements/index.js';
import { chosenSimulator, type Environment, type SimulatorConfig, simulatorSchema } from '../simulators/index.js';
import { checkWriter, writerSchema } from '../simulators/writer.js';

/** Styles that a language model writes. */
export const proseStyles = [
  'sentence',
  'sentence+score',
  'contrastive',
  'clauses',
  'graded',
] as const satisfies Style[];
export type ProseStyle = (typeof proseStyles)[number];

/** How explanations are written by a language model. */
export const writingSchema = z.strictObject({
  style: z.enum(proseStyles),
  /** Who writes: an endpoint, as a simulator names it. */
  by: writerSchema,
  /** Who reads them while they are refined or scored; default: the same endpoint. */
  judge: simulatorSchema.optional(),
  /** Better explanations that are asked for, at most, by the mistakes of the judge. */
  refine: z.number().int().min(0).max(20).default(0),
  /** What the writer is shown: windows from all deciles alike, or the strongest. */
  examples: z.enum(['quantiles', 'top']).default('quantiles'),
  /** Words that an explanation is asked to have at most. */
  words: z.number().int().min(5).max(400).default(40),
  /** Latents that are explained, at most, at each hookpoint; drawn by the seed. Default: all that fire in the evidence. */
  latents: z.number().int().min(1).optional(),
});
export type WritingConfig = z.output<typeof writingSchema>;

/** Windows that are drawn of each latent: shown, mended by, decided by and scored by. */
export const WRITING_DRAW: DrawPlan = {
  length: 32,
  top: 10,
  perDecile: 8,
  random: 30,
  neighbours: 25,
  nearMisses: 25,
};

/** The style that is written: a score comes after. */
export const textStyle = (style: ProseStyle): WrittenStyle => (style === 'sentence+score' ? 'sentence' : style);

/** What the writer is shown, in so far as it is chosen. */
export const shownPlan = ({ style, examples }: WritingConfig) => ({
  ...SHOWN_PLANS[textStyle(style)],
  sampling: examples,
});

/** Whether anybody has to read what is written. */
export const needsJudge = ({ style, refine }: WritingConfig): boolean => refine > 0 || style === 'sentence+score';

export const judgeOf = ({ judge, by }: WritingConfig): SimulatorConfig => judge ?? by;

/**
 * Mistakes that are known before the work.
 * @throws {UsageError} when an address or key is not set; `JUDGE_CANNOT_READ`
 */
export function checkWriting(config: WritingConfig, environment: Environment): void {
  checkWriter(config.by, environment);
  if (!needsJudge(config)) return;
  const judge = chosenSimulator(judgeOf(config));
  if (judge.asks === null) {
    throw new UsageError(
      'JUDGE_CANNOT_READ',
      `The judge, ${judge.reader}, reads no prose.`,
      'Name a judge that is a language model, or none: then it is whoever writes.',
    );
  }
  judge.checkEnvironment(environment);
}

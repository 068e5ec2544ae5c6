import { z } from 'zod';
import { PLANTED_KINDS } from '../../explanations/index.js';
import { writeWholeFolder } from '../result/files.js';
import { readJson } from '../result/folder.js';
import { proportionSchema } from './proportion.js';

const whole = z.number().int().nonnegative();
const share = z.number().min(0).max(1);

const suspectSchema = z.strictObject({
  latent: whole,
  /** Share of its squared activation that its explanation leaves unexplained. */
  unexplained: share,
  /** What the latents most like it leave. */
  expected: share,
  /** Robust standard deviations between the two, of log odds. */
  deviations: z.number(),
  firings: whole,
});

const checkedEntrySchema = z.strictObject({
  hookpoint: z.string(),
  coder: z.string(),
  entry: z.string(),
  latents: z.strictObject({
    explained: whole,
    /** Of these, those that fire often enough in the text to be judged, or as many as were wanted. */
    judged: whole,
  }),
  /** Of the planted errors, those that were found; over all draws. */
  recall: proportionSchema,
  /** Of the suspects, those that had been planted; over all draws. */
  precision: proportionSchema,
  kinds: z.array(
    z.strictObject({
      kind: z.enum(PLANTED_KINDS),
      recall: proportionSchema,
      /** What such an error adds to the share that is left unexplained: the median of those found, and of those missed. */
      cost: z.strictObject({ found: z.number().nullable(), missed: z.number().nullable() }),
      /** Edits that changed no rating on the text, and do not count. */
      withoutEffect: whole,
    }),
  ),
  draws: z.array(z.strictObject({ planted: whole, suspects: whole, found: whole })),
  /** Whether recall and precision both reach the goal. */
  reachesGoal: z.boolean(),
  /** The explanations as they are, nothing planted, that the check would suspect; the most suspect first. */
  suspects: z.array(suspectSchema),
});
export type CheckedEntry = z.infer<typeof checkedEntrySchema>;

/** What `partial-rewrite self-check` found, as `self-check.json` holds it. */
export const plantedCheckSchema = z.strictObject({
  schema: z.literal('partial-rewrite/self-check@1'),
  model: z.string(),
  seed: z.number().int(),
  text: z.strictObject({ part: z.enum(['calibration', 'evaluation']), contexts: whole, tokens: whole }),
  /** Share of the judged latents that each draw makes wrong. */
  share: z.number().gt(0).lt(0.5),
  draws: whole,
  /** Deviations from which on an explanation is a suspect, and the recall and precision that are asked for. */
  suspectFrom: z.number(),
  goal: share,
  entries: z.array(checkedEntrySchema),
});
export type PlantedCheck = z.infer<typeof plantedCheckSchema>;

/** @throws {z.ZodError} when it does not fit its schema: nothing is then written */
export async function writePlantedCheck(folder: string, found: PlantedCheck): Promise<void> {
  await writeWholeFolder(folder, [
    ['self-check.json', `${JSON.stringify(plantedCheckSchema.parse(found), null, 2)}\n`],
  ]);
}

/** @throws {UsageError} NOT_A_RESULT, RESULT_UNREADABLE or RESULT_SCHEMA */
export function readPlantedCheck(folder: string): Promise<PlantedCheck> {
  return readJson(folder, 'self-check.json', plantedCheckSchema);
}

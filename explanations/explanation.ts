import { z } from 'zod';

/** Where an explanation came from, so that a table of results can be traced back to what made it. */
const provenanceSchema = z.strictObject({
  /** The explainer or person, e.g. `induce-pattern` or `hand`. */
  by: z.string().min(1),
  /** sha256 of the coder's weights it explains, where known. */
  coder: z.string().optional(),
  /** What it was written from: a content hash of the evidence, a file name. */
  evidence: z.string().optional(),
  note: z.string().optional(),
});
export type Provenance = z.infer<typeof provenanceSchema>;

/**
 * One line of a `pattern`: when the last tokens of the window are `tokens`, oldest first and the current token
 * last, the latent deserves `strength`. Each slot lists its alternatives by surface form.
 */
const ruleSchema = z.strictObject({
  tokens: z.array(z.array(z.string()).min(1)).min(1).max(8),
  /** Rating, 0-9 as a simulator gives it: 9 is the latent's largest observed activation. 0 states an exception. */
  strength: z.number().min(0).max(9),
});
export type Rule = z.infer<typeof ruleSchema>;

const common = {
  hookpoint: z.string().min(1),
  latent: z.number().int().nonnegative(),
  provenance: provenanceSchema,
};

/** Free text, read by people and language models. */
const sentenceSchema = z.strictObject({ ...common, style: z.literal('sentence'), text: z.string().min(1) });
export type SentenceExplanation = z.infer<typeof sentenceSchema>;

/** Executable rules; where several match, the longest decides. */
const patternSchema = z.strictObject({ ...common, style: z.literal('pattern'), rules: z.array(ruleSchema) });
export type PatternExplanation = z.infer<typeof patternSchema>;

/** What is said of one latent, in one style. One line of an explanations file (JSON lines). */
export const explanationSchema = z.discriminatedUnion('style', [sentenceSchema, patternSchema]);
export type Explanation = z.infer<typeof explanationSchema>;
export type Style = Explanation['style'];

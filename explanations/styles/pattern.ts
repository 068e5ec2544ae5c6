import { z } from 'zod';
import { describePattern } from '../pattern/describe.js';
import { compilePatterns } from '../pattern/matcher.js';
import { findAmbiguity, patternLength } from '../pattern/pattern.js';
import { common, strengthSchema } from '../record.js';
import type { ExplanationStyle } from './style.js';

/**
 * One line of a `pattern`: when the last tokens of the window are `tokens`, oldest first and the current token
 * last, the latent deserves `strength`. Each slot lists its alternatives by surface form.
 */
const ruleSchema = z.strictObject({
  tokens: z.array(z.array(z.string()).min(1)).min(1).max(8),
  /** 0 states an exception. */
  strength: strengthSchema,
});
export type Rule = z.infer<typeof ruleSchema>;

/** Rules are held against each other to see that none contradict, so their size bounds how long reading takes. */
const LONGEST = 50_000;

/** Executable rules; where several match, the longest decides. */
const schema = z.strictObject({ ...common, style: z.literal('pattern'), rules: z.array(ruleSchema) });

export const pattern: ExplanationStyle<typeof schema> = {
  schema,
  text: ({ rules }) => describePattern(rules),
  length: ({ rules }) => patternLength(rules),
  flaw({ rules }) {
    const length = patternLength(rules);
    if (length > LONGEST) {
      return {
        code: 'EXPLANATION_TOO_LONG',
        found: `has rules of ${length} tokens in all, and at most ${LONGEST} are read.`,
        next: 'Say less of one latent: an explanation of that size explains nothing.',
      };
    }
    const ambiguity = findAmbiguity(rules);
    return ambiguity === undefined
      ? null
      : {
          code: 'EXPLANATION_AMBIGUOUS',
          found: `has two rules of one length that can match the same tokens: ${ambiguity.map((rule) => describePattern([rule])).join(' / ')}`,
          next: 'Give both the same strength, or make one of them longer: the longest match decides.',
        };
  },
  compile: (explanations) => compilePatterns(new Map([...explanations].map(([latent, { rules }]) => [latent, rules]))),
};

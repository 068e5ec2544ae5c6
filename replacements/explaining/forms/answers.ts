import { z } from 'zod';

/** More is no explanation of one latent, whatever the limit of tokens let through. */
const LONGEST = 2000;

/** A text that says something, on one line. */
export const saidSchema = z
  .string()
  .trim()
  .min(1)
  .max(LONGEST)
  .regex(/^[^\r\n\u2028\u2029]+$/);

const FENCED = /^```(?:json)?\s*\n(.*)\n\s*```$/s;

/** The JSON that an answer is, with nothing around it but a code fence. */
export function jsonAnswer(answer: string): { readonly value: unknown } | { readonly wrong: string } {
  const text = answer.trim();
  try {
    const value: unknown = JSON.parse(FENCED.exec(text)?.[1] ?? text);
    return { value };
  } catch {
    return { wrong: 'It was not JSON alone.' };
  }
}

import type { Answered } from '../judges/index.js';
import type { Prompt } from '../simulated/prompts/template.js';
import type { Explained } from './explained.js';
import type { About, Form, WrittenStyle } from './forms/form.js';
import type { Writer } from './writers/writer.js';

/** Tokens that a word may take, those around the answer, and room for a writer that counts words badly. */
const TOKENS_A_WORD = 4;
const TOKENS_AROUND = 100;

/** Tokens that the answer to a question for so many words may take. */
export const answerTokensFor = (words: number): number => TOKENS_AROUND + TOKENS_A_WORD * words;

/** How often the same thing is asked before it is missing. */
export const TRIES = 2;

/**
 * Has one explanation written. An answer that cannot be read is asked for once more, saying what was wrong with it: the
 * same question would be answered from the store. What is hostile is not asked again.
 * @param prompt the question, given what is said of the answer before
 */
export async function writeInForm<S extends WrittenStyle>(
  { writer, form, words }: { readonly writer: Writer; readonly form: Form<S>; readonly words: number },
  prompt: (again: string) => Prompt,
  about: About,
  signal: AbortSignal,
): Promise<Explained<S>> {
  let again = '';
  for (let tries = 1; tries <= TRIES; tries++) {
    const query = { ...prompt(again), maxTokens: answerTokensFor(words) };
    const answer: Answered<string> = await writer.write(query, signal);
    let wrong = 'It was empty or did not come to an end.';
    if ('value' in answer) {
      const read = form.read(answer.value, about);
      if (read.kind === 'explanation') return { explanation: read.explanation };
      if (read.kind === 'hostile') return { missing: 'instructs its reader' };
      wrong = read.wrong;
    } else if (answer.missing !== 'unreadable answer') return { missing: answer.missing };
    again = `Your answer before could not be used. ${wrong}\n`;
  }
  return { missing: 'unreadable answer' };
}

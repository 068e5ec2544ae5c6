import { readFileSync } from 'node:fs';

const load = (file: string): string => readFileSync(new URL(file, import.meta.url), 'utf8').trimEnd();
const SYSTEM = load('./last-token.system.txt');
const USER = load('./last-token.user.txt');

/** Tokens that the question shows, the marked one included. */
export const WINDOW_TOKENS = 32;

/** One question to a chat model: how active is a latent on the last token? */
export interface LastTokenPrompt {
  readonly system: string;
  readonly user: string;
}

// Data must not be able to close its own element. A zero-width joiner would be invisible; a blank is honest.
const enclose = (data: string): string => data.replace(/<(?=\/?(?:explanation|text)>)/gi, '< ');
// Nor may it hold a second mark.
const unmark = (text: string): string => text.replaceAll('<<', '< <').replaceAll('>>', '> >');

/**
 * The question whether the latent that `explanation` describes fires on the token at `position`: the last 32 tokens up
 * to it, with the token itself as `<<token>>`. `text` beyond the position is not looked at.
 * Explanation and text are enclosed in elements that they cannot close.
 */
export function lastTokenPrompt(explanation: string, text: readonly string[], position: number): LastTokenPrompt {
  const before = text.slice(Math.max(0, position + 1 - WINDOW_TOKENS), position).join('');
  const window = `${enclose(unmark(before))}<<${enclose(unmark(text[position]!))}>>`;
  // Both at once and by function: what is put in is never searched for places, nor read as a `$` pattern.
  const user = USER.replace(/\{\{(explanation|text)\}\}/g, (_, name) =>
    name === 'text' ? window : enclose(explanation),
  );
  return { system: SYSTEM, user };
}

import { readFileSync } from 'node:fs';
import { type PromptFile, type PromptTemplate, parseTemplate } from '../simulated/prompts/template.js';
import type { WrittenStyle } from './forms/form.js';

/** What a writer is asked with in one style. `again` says why an answer before was not taken. */
export interface WritingPrompts {
  readonly explain: PromptTemplate<'examples' | 'again' | 'words'>;
  readonly refine: PromptTemplate<'explanation' | 'examples' | 'again' | 'words'>;
}

const textOf = (name: string): string => readFileSync(new URL(`prompts/${name}`, import.meta.url), 'utf8').trimEnd();

/** Instructions in several files, one paragraph after the other. */
const joined = (...names: readonly string[]): PromptFile => ({
  path: names.join(' + '),
  text: names.map(textOf).join('\n\n'),
});

function promptsOf(style: WrittenStyle): WritingPrompts {
  const form = `form.${style}.txt`;
  return {
    explain: parseTemplate(joined('task.txt', form, 'data.txt'), joined('explain.user.txt'), {
      examples: 'data',
      again: 'ours',
      words: 'ours',
    }),
    refine: parseTemplate(joined('task.txt', 'refine.txt', form, 'data.txt'), joined('refine.user.txt'), {
      explanation: 'data',
      examples: 'data',
      again: 'ours',
      words: 'ours',
    }),
  };
}

/** The prompts that come with the program, from the files in `prompts/`. */
export const ourWritingPrompts: Readonly<Record<WrittenStyle, WritingPrompts>> = {
  sentence: promptsOf('sentence'),
  contrastive: promptsOf('contrastive'),
  clauses: promptsOf('clauses'),
  graded: promptsOf('graded'),
};

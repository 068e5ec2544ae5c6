import { readFileSync } from 'node:fs';
import { sha256 } from '../../harness/index.js';
import { ourJudgePrompts } from '../judges/index.js';
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

/** sha256 in hex over all words that a writer in this style, and a judge of what is written, are asked with. */
export function writingPromptsHash(style: WrittenStyle): string {
  const { explain, refine } = ourWritingPrompts[style];
  const empty = { explanation: '', examples: '', text: '', again: '', words: '' };
  const prompts = [explain.fill(empty), refine.fill(empty), ourJudgePrompts.detection.fill(empty)];
  return sha256(JSON.stringify(prompts));
}

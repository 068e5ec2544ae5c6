import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readText, UsageError } from '../../../harness/index.js';
import { type PromptFile, parseTemplate } from './template.js';

/** The prompts of all shapes, from `<shape>.system.txt` (instructions) and `<shape>.user.txt` (the question). */
function parsePrompts(file: (name: string) => PromptFile) {
  const texts = (shape: string) => [file(`${shape}.system.txt`), file(`${shape}.user.txt`)] as const;
  return {
    'last-token': parseTemplate(...texts('last-token'), { explanation: 'data', text: 'data' }),
    'yes-no': parseTemplate(...texts('yes-no'), { explanation: 'data', text: 'data' }),
    'all-tokens': parseTemplate(...texts('all-tokens'), {
      explanation: 'data',
      before: 'data',
      tokens: 'data',
      count: 'ours',
    }),
    'many-latents': parseTemplate(...texts('many-latents'), { text: 'data', explanations: 'data', count: 'ours' }),
  } as const;
}

/** What each shape writes its queries with. */
export type Prompts = ReturnType<typeof parsePrompts>;

const ourFiles = new Map<string, PromptFile>();

function ourFile(name: string): PromptFile {
  const known = ourFiles.get(name);
  if (known !== undefined) return known;
  const file = { path: name, text: readFileSync(new URL(name, import.meta.url), 'utf8').trimEnd() };
  ourFiles.set(name, file);
  return file;
}

/** The prompts that come with the program. */
export const ourPrompts: Prompts = parsePrompts(ourFile);

/**
 * The user's own prompts: files in `folder` with the names of ours replace those; the others stay.
 * @throws {UsageError} where the folder cannot be read, for a text file that is no prompt's, and for places that are
 *   missing, unknown or outside their element
 */
export async function readPrompts(folder: string): Promise<Prompts> {
  const own = new Map<string, PromptFile>();
  try {
    for (const name of (await readdir(folder)).filter((each) => each.endsWith('.txt'))) {
      const path = join(folder, name);
      const text = readText(path)
        .replace(/^\uFEFF/, '')
        .replaceAll('\r\n', '\n');
      own.set(name, { path, text: text.trimEnd() });
    }
  } catch (cause) {
    throw new UsageError(
      'PROMPTS_UNREADABLE',
      `Prompts could not be read from ${folder}.`,
      'Name a folder that holds your prompt files.',
      { cause },
    );
  }
  for (const [name, { path }] of own) {
    if (ourFiles.has(name)) continue;
    throw new UsageError(
      'PROMPT_UNKNOWN',
      `${path} is the prompt of no query shape.`,
      `Prompt files are ${[...ourFiles.keys()].join(', ')}.`,
    );
  }
  return parsePrompts((name) => own.get(name) ?? ourFile(name));
}

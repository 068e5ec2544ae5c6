import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Template } from '@huggingface/jinja';
import { z } from 'zod';
import { type Tokenizer, UsageError } from '../../../harness/index.js';

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/** Stand-ins for a question, where only what stands behind any of them matters. */
export const ANY_MESSAGES: readonly ChatMessage[] = [
  { role: 'system', content: 'a' },
  { role: 'user', content: 'b:' },
];

/** How a model is spoken to. */
export interface ChatPrompt {
  /** `plain`: the folder has no chat template, so messages stand one below the other. */
  readonly kind: 'chat template' | 'plain';
  /** Everything that the model reads before its answer, as text. */
  render(messages: readonly ChatMessage[]): string;
  /**
   * The same as token ids, at least one.
   * @throws {UsageError} `UNKNOWN_TOKEN` for text that the tokenizer has no token for; `EMPTY_PROMPT` where the template
   *   leaves nothing of the messages; `PROMPT_TOO_LONG` for so much text that no tokenizing could make it fit
   */
  encode(messages: readonly ChatMessage[]): Int32Array;
}

/** Older configs write a special token as an object, newer ones as its text. */
const tokenName = z.union([z.string(), z.looseObject({ content: z.string() }).transform(({ content }) => content)]);
const configFile = z.looseObject({
  bos_token: tokenName.nullish(),
  eos_token: tokenName.nullish(),
  chat_template: z
    .union([z.string(), z.array(z.looseObject({ name: z.string(), template: z.string() }))])
    .nullish()
    .transform((given) =>
      Array.isArray(given) ? (given.find(({ name }) => name === 'default') ?? given[0])?.template : given,
    ),
});
const id = z.int().nonnegative();
const tokenizerFile = z.looseObject({
  added_tokens: z.array(z.looseObject({ content: z.string(), special: z.boolean().optional() })).default([]),
  // What stands in for text that no token spells: by name, or by its place in a list.
  model: z
    .looseObject({ unk_token: z.string().nullish(), unk_id: id.nullish(), vocab: z.unknown().optional() })
    .transform(({ unk_token: name, unk_id, vocab }) => {
      const named = z.record(z.string(), id).safeParse(vocab).data;
      return { unknown: unk_id ?? (name == null ? null : (named?.[name] ?? null)) };
    })
    .default({ unknown: null }),
});

/** Some templates write today's date where they are given a clock: setting it to what nothing defines takes it away. */
const NO_CLOCK = '{%- set strftime_now = no_clock -%}';

/**
 * The chat template of a model's folder: `chat_template.jinja`, or that of `tokenizer_config.json`; without one, plain text.
 * A template without a system role has the system's message put before the user's. Where it can, thinking is turned off.
 * Templates get no clock: a prompt is the same on every day.
 *
 * Messages are data: a special token that one spells out is broken up by a blank, so that it cannot end the message.
 * @param mostTokens that the model was made for, so that text far beyond it is refused before it is tokenized
 * @throws {UsageError} `BAD_CHAT_TEMPLATE` for a template that cannot be used; from `render` and `encode`, for messages that it
 *   refuses
 */
export async function openChatPrompt(
  folder: string,
  tokenizer: Tokenizer,
  mostTokens: number | null = null,
): Promise<ChatPrompt> {
  const config = configFile.parse(JSON.parse(await readFile(join(folder, 'tokenizer_config.json'), 'utf8')));
  const {
    added_tokens: added,
    model: { unknown },
  } = tokenizerFile.parse(JSON.parse(await readFile(join(folder, 'tokenizer.json'), 'utf8')));
  let longest: number | undefined;
  /** Looks through the vocabulary only where it has to: no token stands for less than a character. */
  const canFit = (characters: number): boolean => {
    if (mostTokens === null || characters <= mostTokens) return true;
    longest ??= longestToken(tokenizer);
    return characters <= mostTokens * longest;
  };
  const encoded = (text: string, options?: Parameters<Tokenizer['encode']>[1]): Int32Array => {
    if (!canFit(text.length)) throw tooLong(folder, text.length, mostTokens);
    const tokens = tokenizer.encode(text, options);
    if (tokens.length === 0) throw emptyPrompt(folder);
    if (unknown === null || !tokens.includes(unknown)) return tokens;
    throw new UsageError(
      'UNKNOWN_TOKEN',
      `The tokenizer in ${folder} has no token for a part of a prompt.`,
      'Take out what is written in letters that the model does not know, or take another model.',
    );
  };
  const specials = added.filter(({ special, content }) => special === true && content.length > 1);
  const harmless = (messages: readonly ChatMessage[]): ChatMessage[] =>
    messages.map(({ role, content }) => ({ role, content: broken(content, specials) }));
  const file = join(folder, 'chat_template.jinja');
  const source = (await textOf(file)) ?? config.chat_template ?? null;
  if (source === null) {
    const render = (messages: readonly ChatMessage[]) =>
      harmless(messages)
        .map(({ content }) => content)
        .join('\n\n')
        .concat('\n');
    return { kind: 'plain', render, encode: (messages) => encoded(render(messages)) };
  }
  const badTemplate = (what: string, remedy: string) => (cause: unknown) =>
    new UsageError(
      'BAD_CHAT_TEMPLATE',
      `The chat template in ${folder} ${what}: ${reasonOf(cause)}`,
      `${remedy}, or take chat_template out to ask it in plain text.`,
      { cause },
    );
  const unusable = badTemplate('cannot be used', "Fetch the model's tokenizer files again");
  const refuse = badTemplate('refuses these messages', 'Ask as its model was made to be asked');
  const template = attempt(() => new Template(NO_CLOCK + source), unusable);
  const fill = (messages: readonly ChatMessage[]) =>
    template.render({
      messages,
      add_generation_prompt: true,
      bos_token: config.bos_token ?? '',
      eos_token: config.eos_token ?? '',
      enable_thinking: false,
    });
  const render = (messages: readonly ChatMessage[]): string => {
    const data = harmless(messages);
    try {
      return fill(data);
    } catch (cause) {
      const rewritten = withoutSystem(data);
      if (rewritten === null) throw refuse(cause);
      return attempt(() => fill(rewritten), refuse);
    }
  };
  // The template writes what a tokenizer would add around a text.
  return {
    kind: 'chat template',
    render,
    encode: (messages) => encoded(render(messages), { special: false }),
  };
}

/** What a template says of what is wrong, as a sentence. */
function reasonOf(cause: unknown): string {
  const [line = ''] = (cause instanceof Error ? cause.message : String(cause)).split('\n');
  return /[.!?]$/.test(line) ? line : `${line}.`;
}

/** Characters that the longest token stands for. */
function longestToken(tokenizer: Tokenizer): number {
  let longest = 1;
  for (let id = 0; id < tokenizer.vocabularySize; id++) longest = Math.max(longest, tokenizer.surface(id).length);
  return longest;
}

const tooLong = (folder: string, characters: number, mostTokens: number | null): UsageError =>
  new UsageError(
    'PROMPT_TOO_LONG',
    `A prompt has ${characters.toLocaleString('en-US')} characters, and the model in ${folder} was made for at most ${mostTokens} tokens.`,
    'Show less text, shorten the prompt, or take a model with a longer context: nothing is cut off silently.',
  );

const emptyPrompt = (folder: string): UsageError =>
  new UsageError(
    'EMPTY_PROMPT',
    `The chat template in ${folder} leaves nothing of these messages that could be read.`,
    'Put the question into a message of the user.',
  );

/** The text of a file that need not be there. */
async function textOf(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return null;
  }
}

function attempt<T>(action: () => T, refuse: (cause: unknown) => UsageError): T {
  try {
    return action();
  } catch (cause) {
    throw refuse(cause);
  }
}

function broken(content: string, specials: readonly { readonly content: string }[]): string {
  return specials.reduce(
    (text, special) => text.replaceAll(special.content, `${special.content[0]} ${special.content.slice(1)}`),
    content,
  );
}

/** The system's message at the head of the first that follows; `null` where there is none. */
function withoutSystem([system, first, ...others]: readonly ChatMessage[]): ChatMessage[] | null {
  if (system?.role !== 'system' || first === undefined) return null;
  return [{ role: first.role, content: `${system.content}\n\n${first.content}` }, ...others];
}

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { UsageError } from '../../../harness/index.js';

const id = z.int().nonnegative();
const file = z.looseObject({
  max_new_tokens: z.int().positive().nullish(),
  eos_token_id: z.union([id, z.array(id)]).nullish(),
});

/** What a model's folder says of its answers. */
export interface GenerationConfig {
  /**
   * The most tokens that it answers with, whatever is asked for; `null` where nobody says. A model that was trained for
   * one token has said everything with it: what would come behind means nothing.
   */
  readonly mostTokens: number | null;
  /** Tokens that end an answer, besides the tokenizer's own. */
  readonly ends: readonly number[];
}

/**
 * Reads `generation_config.json`: `max_new_tokens` and `eos_token_id`. What it says of sampling is of no use here.
 * @throws {UsageError} `BAD_GENERATION_CONFIG` for a file that is none
 */
export async function readGenerationConfig(folder: string): Promise<GenerationConfig> {
  const path = join(folder, 'generation_config.json');
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch {
    return { mostTokens: null, ends: [] };
  }
  try {
    const { max_new_tokens: mostTokens = null, eos_token_id: ends } = file.parse(JSON.parse(text));
    return { mostTokens, ends: [ends ?? []].flat() };
  } catch (cause) {
    throw new UsageError(
      'BAD_GENERATION_CONFIG',
      `${path} is no generation config.`,
      "Fetch the model's files again, or take it away: only max_new_tokens and eos_token_id are read.",
      { cause },
    );
  }
}

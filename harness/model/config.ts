import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { UsageError } from '../errors.js';

const count = z.number().int().positive();

/** What is read of a `config.json`, by the names of the Llama and GPT-NeoX families or by those of GPT-2's. */
const configJson = z.object({
  model_type: z.string().min(1),
  num_hidden_layers: count.optional(),
  n_layer: count.optional(),
  hidden_size: count.optional(),
  n_embd: count.optional(),
  vocab_size: count,
  max_position_embeddings: count.optional(),
  n_positions: count.optional(),
  _name_or_path: z.string().optional(),
});

export interface ModelConfig {
  /** `model_type` of the file, such as `gpt_neox`. */
  readonly architecture: string;
  readonly layers: number;
  /** d_model. */
  readonly width: number;
  /** Number of token ids. */
  readonly vocabulary: number;
  /** Longest context that the model was made for, in tokens; `null` when the file does not say. */
  readonly contextLength: number | null;
  /** Last part of the name or path that it was published under; `null` when the file does not say. */
  readonly published: string | null;
}

/** @throws {UsageError} `MODEL_NOT_FOUND` without a readable file, `MODEL_CONFIG` when it does not say what is needed */
export function readConfig(folder: string): ModelConfig {
  const path = join(folder, 'config.json');
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new UsageError(
      'MODEL_NOT_FOUND',
      `No config.json can be read in ${folder}.`,
      'Give a folder with config.json, tokenizer.json and onnx/model.onnx.',
      { cause },
    );
  }
  return parseConfig(text, path);
}

/** @param path names the file in errors */
export function parseConfig(text: string, path: string): ModelConfig {
  const refuse = (what: string) =>
    new UsageError('MODEL_CONFIG', `${path} ${what}.`, 'Take the config.json that was published with the model.');
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw refuse('is no JSON');
  }
  const parsed = configJson.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw refuse(`is not understood at "${issue?.path.join('.')}": ${issue?.message}`);
  }
  const layers = parsed.data.num_hidden_layers ?? parsed.data.n_layer;
  const width = parsed.data.hidden_size ?? parsed.data.n_embd;
  if (layers === undefined) throw refuse('gives no num_hidden_layers');
  if (width === undefined) throw refuse('gives no hidden_size');
  return {
    architecture: parsed.data.model_type,
    layers,
    width,
    vocabulary: parsed.data.vocab_size,
    contextLength: parsed.data.max_position_embeddings ?? parsed.data.n_positions ?? null,
    published: parsed.data._name_or_path?.split('/').findLast((part) => part !== '') ?? null,
  };
}

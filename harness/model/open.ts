import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { UsageError } from '../errors.js';
import { type ModelFile, readModel } from '../onnx/codec.js';
import { GraphIndex } from '../onnx/graph.js';
import type { Hookpoint } from '../replacement.js';
import { type Runtime, type SessionOptions, workerRuntime } from '../runtime/index.js';
import { openTokenizer, type Tokenizer } from '../tokens/index.js';
import { readConfig } from './config.js';
import { chooseHookpoint, findHookpoints, type NamedHookpoint } from './hookpoints/index.js';
import { classify, type Signature } from './signature.js';
import { tokenStream } from './stream.js';

export interface OpenOptions {
  /** Where graphs run. Default: a worker thread of the model's own, which ends with it. */
  readonly runtime?: Runtime;
  /** Threads inside one operator. Default: one for each core. */
  readonly threads?: number;
  /** Hookpoints that the user describes by tensor names. */
  readonly hookpoints?: readonly NamedHookpoint[];
}

/** A language model in the usual layout, ready to be cut. Its weights stay in their file. */
export interface Model {
  readonly folder: string;
  /** The name that it was published under, else its folder's. */
  readonly name: string;
  /** `model_type` of config.json. */
  readonly architecture: string;
  readonly layers: number;
  /** d_model. */
  readonly width: number;
  /** Number of token ids. */
  readonly vocabulary: number;
  /** Longest context in tokens that the model was made for; `null` when its config does not say. */
  readonly contextLength: number | null;
  /** By layer, the MLP first. */
  readonly hookpoints: readonly Hookpoint[];
  /** @throws {UsageError} `HOOKPOINT_UNKNOWN`, listing those there are */
  hookpoint(id: string): Hookpoint;
  /**
   * The tokenizer of the same folder, opened when first asked for: to cut a model none is needed.
   * @throws {UsageError} when the folder has none that can be read
   */
  tokenizer(): Promise<Tokenizer>;
  /** What a cut is made from. */
  readonly parts: ModelParts;
  /** Ends the runtime if it is the model's own. */
  dispose(): Promise<void>;
}

export interface ModelParts {
  readonly file: ModelFile;
  readonly index: GraphIndex;
  readonly stream: ReadonlySet<string>;
  readonly signature: Signature;
  readonly runtime: Runtime;
  readonly sessions: SessionOptions;
}

/**
 * Opens a folder with `config.json` and `onnx/model.onnx` (or `model.onnx`), with or without keys and values as inputs.
 * @throws {UsageError} for a folder or file that is no such model; nothing is loaded then
 */
export function openModel(folder: string, options: OpenOptions = {}): Model {
  const config = readConfig(folder);
  const path = ['onnx/model.onnx', 'model.onnx'].map((name) => join(folder, name)).find((each) => existsSync(each));
  if (path === undefined) {
    throw new UsageError(
      'MODEL_NOT_FOUND',
      `${folder} has neither onnx/model.onnx nor model.onnx.`,
      'Export the model to ONNX, for instance with `optimum-cli export onnx`.',
    );
  }
  const file = readModel(path);
  const index = new GraphIndex(file.graph, path);
  const signature = classify(file, index);
  const stream = tokenStream(index, signature.ids.name);
  const hookpoints = findHookpoints({ index, stream, logits: signature.logits }, config, options.hookpoints);
  const runtime = options.runtime ?? workerRuntime();
  const name = config.published ?? basename(resolve(folder));
  let tokenizer: Promise<Tokenizer> | undefined;
  return {
    ...config,
    folder,
    name,
    hookpoints,
    hookpoint: (id) => chooseHookpoint(hookpoints, id, name),
    tokenizer() {
      tokenizer ??= openTokenizer(folder);
      return tokenizer;
    },
    parts: {
      file,
      index,
      stream,
      signature,
      runtime,
      sessions: {
        externalFolder: dirname(path),
        ...(options.threads !== undefined && { threads: options.threads }),
      },
    },
    async dispose() {
      if (options.runtime === undefined) await runtime.dispose();
    },
  };
}

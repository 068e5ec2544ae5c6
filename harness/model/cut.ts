import type { Context } from '../context.js';
import { UsageError } from '../errors.js';
import type { Hookpoint } from '../replacement.js';
import { float32 } from '../runtime/index.js';
import { type ComponentInput, type ComponentOutput, componentInput, componentOutput } from '../tensor.js';
import { checkPieces, type Reuse } from './check.js';
import { beginContext, type OpenCut, type Protocol } from './measure.js';
import type { Model } from './open.js';
import { cutInPieces, type Pieces } from './pieces.js';
import { checkWiring, type Wiring } from './wiring.js';

/** What a component read and wrote at every position of a context. */
export interface ComponentTrace {
  readonly input: ComponentInput;
  readonly output: ComponentOutput;
}

/** A model cut at one hookpoint, its wiring proved. */
export interface CutModel {
  readonly model: Model;
  readonly hookpoint: Hookpoint;
  readonly wiring: Wiring;
  readonly reuse: Reuse;
  /** What the component reads and writes at all positions; contexts of one length run together. */
  read(contexts: readonly Context[], signal?: AbortSignal): Promise<readonly ComponentTrace[]>;
  /**
   * Runs a context up to the cut, and on from there unedited, and holds what arms need until it is released.
   * @throws {UsageError} `CONTEXT_TOO_SHORT` below two tokens, `TOKEN_UNKNOWN` for an id outside the vocabulary
   */
  begin(context: Context, protocol: Protocol): Promise<OpenCut>;
  /** Frees both sessions. */
  dispose(): Promise<void>;
}

export interface CutOptions {
  /** `false` runs every arm through the whole context even where keys and values could be reused. */
  readonly reuse?: boolean;
}

/** Tokens in one run of the prefix while activations are read: enough to fill the cores, little enough to fit. */
const READ_TOKENS = 2048;

/**
 * Cuts a model at a hookpoint and proves the cut.
 * @throws {UsageError} `HOOKPOINT_UNKNOWN`, `HOOKPOINT_SHAPE`, `CUT_CHANGES_MODEL`, `CUT_IS_INERT`
 */
export async function openCut(
  model: Model,
  hookpoint: string | Hookpoint,
  options: CutOptions = {},
): Promise<CutModel> {
  const cut = await openUnchecked(model, hookpoint, options);
  try {
    checkWiring(cut.hookpoint.id, cut.wiring);
  } catch (error) {
    await cut.dispose();
    throw error;
  }
  return cut;
}

/** As `openCut`, but a wrong wiring is only told, as `inspect` wants it. */
export async function openUnchecked(
  model: Model,
  hookpoint: string | Hookpoint,
  options: CutOptions = {},
): Promise<CutModel> {
  const at = typeof hookpoint === 'string' ? model.hookpoint(hookpoint) : hookpoint;
  const pieces = await cutInPieces(model, at);
  const checked = await checkPieces(pieces);
  const reuse: Reuse = options.reuse === false ? { available: false, why: 'it was turned off' } : checked.reuse;
  return {
    model,
    hookpoint: at,
    wiring: checked.wiring,
    reuse,
    read: (contexts, signal) => readContexts(pieces, contexts, signal),
    async begin(context, protocol) {
      checkTokens(model, context, 2);
      return beginContext(pieces, context, protocol, reuse.available);
    },
    dispose: () => pieces.dispose(),
  };
}

async function readContexts(
  pieces: Pieces,
  contexts: readonly Context[],
  signal: AbortSignal | undefined,
): Promise<readonly ComponentTrace[]> {
  const { hookpoint, model } = pieces;
  for (const context of contexts) checkTokens(model, context, 1);
  const byLength = new Map<number, number[]>();
  contexts.forEach(({ tokens }, at) => {
    const places = byLength.get(tokens.length);
    if (places) places.push(at);
    else byLength.set(tokens.length, [at]);
  });
  const traces: ComponentTrace[] = [];
  for (const [length, places] of byLength) {
    const rows = Math.max(1, Math.floor(READ_TOKENS / length));
    for (let from = 0; from < places.length; from += rows) {
      signal?.throwIfAborted();
      const batch = places.slice(from, from + rows);
      const results = await pieces.runPrefix(
        batch.map((at) => contexts[at]!.tokens),
        { [hookpoint.reads]: 'data', [hookpoint.writes]: 'data' },
      );
      const size = length * hookpoint.width;
      const part = (name: string, row: number) => float32(results, name).data.slice(row * size, (row + 1) * size);
      batch.forEach((at, row) => {
        traces[at] = {
          input: componentInput(part(hookpoint.reads, row), length),
          output: componentOutput(part(hookpoint.writes, row), length),
        };
      });
    }
  }
  return traces;
}

function checkTokens(model: Model, { id, tokens }: Context, least: number): void {
  if (tokens.length < least) {
    throw new UsageError(
      'CONTEXT_TOO_SHORT',
      `Context ${id} has ${tokens.length} tokens where ${least} are needed.`,
      'Leave out texts that are too short to have a next token.',
    );
  }
  const unknown = tokens.find((token) => !(token >= 0 && token < model.vocabulary));
  if (unknown !== undefined) {
    throw new UsageError(
      'TOKEN_UNKNOWN',
      `Context ${id} has token ${unknown}, and ${model.name} has ${model.vocabulary}.`,
      'Tokenize the text with the tokenizer of this model.',
    );
  }
}

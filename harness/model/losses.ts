import { UsageError } from '../errors.js';
import { float32 } from '../runtime/index.js';
import { runChain } from './chain.js';
import { METRIC } from './metrics.js';
import type { Model } from './open.js';
import { cutInPieces } from './pieces.js';
import { start, wholeReach } from './start.js';

/** A causal language model that reads texts and is surprised by their tokens. */
export interface TextLosses {
  /**
   * −ln p of each token from `from` on, given those before it, in nats; in one run of the model.
   * @param from at least 1: the first token is given
   * @throws {UsageError} `PROMPT_TOO_LONG` beyond the model's context: nothing is cut silently
   */
  losses(tokens: Int32Array, from: number): Promise<Float32Array>;
  /** Frees its sessions; the model stays open. */
  dispose(): Promise<void>;
}

/** Opens a model for reading texts. Losses are made in the graph, so that no logits leave it. */
export async function openTextLosses(model: Model): Promise<TextLosses> {
  const { contextLength, layers, name } = model;
  // Any cut will do, for nothing is put into it; behind the last one least is run twice.
  const pieces = await cutInPieces(model, [model.hookpoint(`layers.${layers - 1}`)]);
  return {
    async losses(tokens, from) {
      if (!(from >= 1)) throw new RangeError('the first token has nothing before it');
      if (from >= tokens.length) return new Float32Array(0);
      if (contextLength !== null && tokens.length > contextLength) {
        throw new UsageError(
          'PROMPT_TOO_LONG',
          `A text has ${tokens.length} tokens with what is said before it, and ${name} was made for at most ${contextLength}.`,
          'Give shorter texts, or take a model with a longer context: nothing is cut off silently.',
        );
      }
      // The last token is only a target: the model never reads it.
      const started = await start(pieces, tokens.slice(0, -1));
      try {
        const results = await runChain(pieces, {
          ...{ started, reach: wholeReach(started), arms: 1, filled: 1, targets: tokens.slice(from), reference: null },
          fill: async ({ writes }) => [writes(0)],
          fetch: { [METRIC.ce]: 'data' },
        });
        return float32(results, METRIC.ce).data.slice();
      } finally {
        await started.release();
      }
    },
    dispose: () => pieces.dispose(),
  };
}

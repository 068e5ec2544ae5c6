import { float32 } from '../runtime/index.js';
import { runChain } from './chain.js';
import { METRIC } from './metrics.js';
import type { Model } from './open.js';
import { cutInPieces } from './pieces.js';
import { start, wholeReach } from './start.js';

/** Vectors that go through a model's end at once. */
const ROWS = 32;

/** The end of a model, after its last block: the final norm and the unembedding. */
export interface Unembedding {
  /**
   * What the model would say next if its residual stream ended like this.
   * @param residuals `[row, model]`
   * @returns log-probabilities, `[row, vocabulary]`, nats
   */
  logProbabilities(residuals: Float32Array): Promise<Float32Array>;
  dispose(): Promise<void>;
}

/** Opens the end of a model alone, cut from it behind the last block. */
export async function openUnembedding(model: Model): Promise<Unembedding> {
  const { width, vocabulary } = model;
  const pieces = await cutInPieces(model, [model.hookpoint(`layers.${model.layers - 1}`)]);
  // The end works token by token, so vectors can stand for the tokens of a text; which text does not matter.
  const text = new Int32Array(ROWS);
  const started = await start(pieces, text);
  return {
    async logProbabilities(residuals) {
      const rows = residuals.length / width;
      if (!Number.isInteger(rows)) throw new RangeError(`${residuals.length} values are no rows of ${width}`);
      const found = new Float32Array(rows * vocabulary);
      for (let from = 0; from < rows; from += ROWS) {
        const some = residuals.subarray(from * width, (from + ROWS) * width);
        const edit = new Float32Array(ROWS * width);
        edit.set(some);
        const results = await runChain(pieces, {
          ...{ started, reach: wholeReach(started), arms: 1, filled: ROWS, targets: text, reference: null },
          fill: async () => [edit],
          fetch: { [METRIC.logProbabilities]: 'data' },
        });
        const { data } = float32(results, METRIC.logProbabilities);
        found.set(data.subarray(0, (some.length / width) * vocabulary), from * vocabulary);
      }
      return found;
    },
    async dispose() {
      await started.release();
      await pieces.dispose();
    },
  };
}

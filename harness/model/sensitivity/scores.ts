import type { Random } from '../../random.js';
import { float32 } from '../../runtime/index.js';
import { runChain } from '../chain.js';
import { METRIC } from '../metrics.js';
import type { Model } from '../open.js';
import { cutInPieces } from '../pieces.js';
import { start, wholeReach } from '../start.js';

/** How far one value of the output is moved, as a share of the root mean square of all: little beside what a coder gets wrong. */
const STEP = 0.25;
/** Contexts that go through the model side by side, and the logits, in values, that they may take. */
const ROWS = 16;
const LOGITS = 2 ** 24;

/** How a model's next-token distributions depend on what one of its components writes. */
export interface OutputScores {
  /** Width of the component's output. */
  readonly width: number;
  /**
   * A score for each token of a text, `[token, width]`, nats per unit of output: the gradient of the log-probability of a next
   * token that is drawn from what the model itself says there. The output is moved at all tokens up to there at once, at each
   * up or down by chance; so the mean of score x score is, over draws, the Fisher information F of a distribution by errors
   * here and at earlier tokens that are independent of each other: KL(original ‖ original + error) = ½ error F error, in
   * nats, to second order. Forward differences, one run for each value of the output; no gradients of the model are needed.
   * @param random draws next tokens and signs
   */
  of(tokens: Int32Array, random: Random, signal?: AbortSignal): Promise<Float32Array>;
  /** Frees its sessions. */
  dispose(): Promise<void>;
}

/** @throws {UsageError} `HOOKPOINT_UNKNOWN` */
export async function openOutputScores(model: Model, hookpoint: string): Promise<OutputScores> {
  const { vocabulary } = model;
  const pieces = await cutInPieces(model, [model.hookpoint(hookpoint)]);
  const [{ width, writes }] = pieces.split.hookpoints;
  return {
    width,
    async of(tokens, random, signal) {
      const length = tokens.length;
      const rows = Math.max(
        1,
        Math.min(model.parts.signature.rows ?? ROWS, Math.floor(LOGITS / (length * vocabulary))),
      );
      const started = await start(pieces, tokens);
      const reach = wholeReach(started);
      const run = async (values: readonly number[], targets: Int32Array, measure: string, step: readonly number[]) =>
        float32(
          await runChain(pieces, {
            ...{ started, reach, arms: values.length, filled: length, targets, reference: null },
            fill: async (stage) => values.map((value, arm) => moved(stage.writes(arm), width, value, step)),
            fetch: { [measure]: 'data' },
          }),
          measure,
        ).data;
      try {
        const own = await run([NOWHERE], tokens, METRIC.logProbabilities, []);
        const drawn = Int32Array.from(tokens, (_, at) => draw(own.subarray(at * vocabulary), vocabulary, random));
        // Where the component writes nothing, any step is as good.
        const size = STEP * rootMeanSquare(started.values.get(writes)!.data) || STEP;
        const step = Array.from(tokens, () => (random.next() < 0.5 ? -size : size));
        const scores = new Float32Array(length * width);
        for (let from = 0; from < width; from += rows) {
          signal?.throwIfAborted();
          const values = Array.from({ length: Math.min(rows, width - from) }, (_, i) => from + i);
          const losses = await run(values, drawn, METRIC.ce, step);
          values.forEach((value, arm) => {
            drawn.forEach((token, at) => {
              scores[at * width + value] = (-losses[arm * length + at]! - own[at * vocabulary + token]!) / size;
            });
          });
        }
        return scores;
      } finally {
        await started.release();
      }
    },
    dispose: () => pieces.dispose(),
  };
}

/** In place of one of the output's values: none is moved. */
const NOWHERE = -1;

/** The output `[token, width]` with one of its values moved at every token. */
function moved(output: Float32Array, width: number, value: number, step: readonly number[]): Float32Array {
  if (value === NOWHERE) return output;
  const found = output.slice();
  step.forEach((size, at) => {
    found[at * width + value]! += size;
  });
  return found;
}

/** A token by its probability. @param logProbabilities of all tokens, from the first on */
function draw(logProbabilities: Float32Array, vocabulary: number, random: Random): number {
  let left = random.next();
  let likeliest = 0;
  for (let token = 0; token < vocabulary; token++) {
    left -= Math.exp(logProbabilities[token]!);
    if (left < 0) return token;
    if (logProbabilities[token]! > logProbabilities[likeliest]!) likeliest = token;
  }
  // Rounding left a little over.
  return likeliest;
}

const rootMeanSquare = (values: Float32Array): number =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);

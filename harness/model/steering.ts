import { float32 } from '../runtime/index.js';
import { runChain } from './chain.js';
import { METRIC } from './metrics.js';
import type { Model } from './open.js';
import { cutInPieces } from './pieces.js';
import { start, wholeReach } from './start.js';

/** Additions that go through the model side by side, unless its export takes fewer rows. */
const ROWS = 16;

/** A model to whose component something is added while it reads. */
export interface SteeredModel {
  /**
   * What the model would say next, once for each addition; all of them read the same tokens.
   * @param tokens at least one
   * @param from the first token at which is added; the component's own output stays before it
   * @param additions `[model]` each, added to what the component writes; `null` adds nothing
   * @returns log-probabilities over the vocabulary, nats
   */
  next(tokens: Int32Array, from: number, additions: readonly (Float32Array | null)[]): Promise<readonly Float32Array[]>;
  /** Frees its sessions. */
  dispose(): Promise<void>;
}

/**
 * Opens a model for steering at one hookpoint. Whether an addition there reaches what the model says, its caller sees by it.
 * @throws {UsageError} `HOOKPOINT_UNKNOWN`
 */
export async function openSteeredModel(model: Model, hookpoint: string): Promise<SteeredModel> {
  const { vocabulary } = model;
  const rows = model.parts.signature.rows ?? ROWS;
  const pieces = await cutInPieces(model, [model.hookpoint(hookpoint)]);
  return {
    async next(tokens, from, additions) {
      const filled = tokens.length - from;
      if (!(filled > 0)) throw new RangeError(`nothing is added from token ${from} of ${tokens.length}`);
      const started = await start(pieces, tokens);
      try {
        const found: Float32Array[] = [];
        for (let at = 0; at < additions.length; at += rows) {
          const some = additions.slice(at, at + rows);
          const results = await runChain(pieces, {
            ...{ started, reach: wholeReach(started), arms: some.length, filled, reference: null },
            // Nothing is measured, but only at the tokens that have a target are there probabilities.
            targets: tokens.slice(-1),
            fill: async ({ writes }) =>
              some.map((addition, arm) => {
                const own = writes(arm);
                return addition === null ? own : own.map((value, i) => value + addition[i % addition.length]!);
              }),
            fetch: { [METRIC.logProbabilities]: 'data' },
          });
          const { data } = float32(results, METRIC.logProbabilities);
          found.push(...some.map((_, arm) => data.slice(arm * vocabulary, (arm + 1) * vocabulary)));
        }
        return found;
      } finally {
        await started.release();
      }
    },
    dispose: () => pieces.dispose(),
  };
}

import { float32 } from '../runtime/index.js';
import { runChain } from './chain.js';
import { type Checked, checkPieces } from './check.js';
import { METRIC } from './metrics.js';
import type { Model } from './open.js';
import { cutInPieces, refused } from './pieces.js';
import { start, wholeReach } from './start.js';
import { checkWiring, type Wiring } from './wiring.js';

/** Additions that go through the model side by side, where that gives the same as one after another. */
const ROWS = 16;

/** A model to whose component something is added while it reads. */
export interface SteeredModel {
  /** That the cut is the model where nothing is added, and that what the component writes is heard. */
  readonly wiring: Wiring;
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
 * Opens a model for steering at one hookpoint, its wiring proved as a cut's is: where no addition could be heard, every
 * one would look as if it had no effect. Whether a given one is heard, its caller sees by what the model says.
 * @throws {UsageError} `HOOKPOINT_UNKNOWN`, `HOOKPOINT_SHAPE`, `CUT_CHANGES_MODEL`, `CUT_IS_INERT`
 */
export async function openSteeredModel(model: Model, hookpoint: string): Promise<SteeredModel> {
  const { vocabulary } = model;
  const { path } = model.parts.original;
  const pieces = await cutInPieces(model, [model.hookpoint(hookpoint)]);
  const proved = async (): Promise<Pick<Checked, 'wiring' | 'batching'>> => {
    const checked = await refused(path, () => checkPieces(pieces));
    checkWiring(`${hookpoint} of ${path}`, checked.wiring);
    return checked;
  };
  const { wiring, batching } = await proved().catch(async (error: unknown) => {
    await pieces.dispose();
    throw error;
  });
  const rows = batching.available ? ROWS : 1;
  return {
    wiring,
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

import { seededRandom } from '../random.js';
import { float32, float32Data } from '../runtime/index.js';
import type { Model } from './open.js';
import { type Pieces, wholeLogits } from './pieces.js';
import { fillCache, lastTokenRun, start, wholeRun } from './start.js';
import { largestDifference, ROUNDING, type Wiring } from './wiring.js';

/** Whether `last` runs each arm through one token only, with the keys and values of earlier tokens reused. */
export type Reuse = { readonly available: true } | { readonly available: false; readonly why: string };

/** Long enough for attention to matter, short enough to cost nothing. */
const LENGTH = 24;

/** Measures a cut's wiring, and tries whether keys and values can be reused, on one seeded row of random tokens. */
export async function checkPieces(pieces: Pieces): Promise<{ readonly wiring: Wiring; readonly reuse: Reuse }> {
  const { model, hookpoint } = pieces;
  const { signature } = model.parts;
  const row = checkRow(model);
  const last = LENGTH - 1;
  const started = await start(pieces, row);

  const logits = async (writes: Float32Array, run = wholeRun(started)): Promise<Float32Array> => {
    const dims = [1, run.tokens.length, hookpoint.width];
    const results = await pieces.runSuffix(
      { ...run, writes: float32Data(writes, dims), targets: run.tokens.slice(-1), reference: null },
      { [signature.logits]: 'data' },
    );
    return float32(results, signature.logits).data;
  };
  const tryReuse = async (): Promise<Reuse> => {
    if (signature.cache.length === 0) return { available: false, why: 'the model takes no keys and values' };
    const edited = started.writes.slice().fill(0, last * hookpoint.width);
    const expected = (await logits(edited)).slice(-model.vocabulary);
    const { cache, release } = await fillCache(pieces, started);
    const found = await logits(new Float32Array(hookpoint.width), lastTokenRun(started, cache));
    await release();
    const moved = found.length === expected.length ? largestDifference(found, expected) : Number.NaN;
    return moved <= ROUNDING
      ? { available: true }
      : { available: false, why: `the last token alone moves the logits by ${moved}` };
  };

  try {
    const whole = await wholeOnce(model);
    const wiring = {
      rejoined: largestDifference(await logits(started.writes), whole),
      silenced: largestDifference(await logits(new Float32Array(started.writes.length)), whole),
    };
    return { wiring, reuse: await tryReuse() };
  } finally {
    await started.release();
  }
}

function checkRow(model: Model): Int32Array {
  const random = seededRandom('wiring check');
  return Int32Array.from({ length: LENGTH }, () => random.integer(model.vocabulary));
}

/** The whole model is loaded once, however many hookpoints are cut. */
const known = new WeakMap<Model, Promise<Float32Array>>();
function wholeOnce(model: Model): Promise<Float32Array> {
  const logits = known.get(model) ?? wholeLogits(model, checkRow(model));
  known.set(model, logits);
  return logits;
}

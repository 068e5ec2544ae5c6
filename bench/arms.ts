import {
  type ComponentOutput,
  type Context,
  type CutModel,
  componentOutput,
  openCut,
  openModel,
  seededRandom,
} from '../harness/index.js';
import { type Benchmark, median } from './benchmark.js';

const MODEL = 'fixtures/world/model';
const HOOKPOINT = 'layers.1.mlp';
const ARMS = 40;
const LENGTH = 128;
const CONTEXTS = 20;
/** The first runs allocate; they are not timed. */
const WARM_UP = 3;

interface Times {
  readonly begin: number;
  readonly arms: number;
}

/**
 * The cost of 40 arms on 128-token contexts under protocol `last`: with keys and values of earlier tokens reused, against
 * every arm run through the whole suffix. Both take turns on the same contexts; medians over contexts, milliseconds.
 */
export const arms: Benchmark = {
  name: 'arms',
  about: `${ARMS} arms on ${LENGTH}-token contexts under \`last\`, keys and values reused against the whole suffix`,
  promises: { ratio_arms: 1 / 20 },
  async run() {
    const model = openModel(MODEL);
    try {
      const random = seededRandom('bench arms');
      const reused = await openCut(model, HOOKPOINT);
      const whole = await openCut(model, HOOKPOINT, { reuse: false });
      const fillings = Array.from({ length: ARMS }, () =>
        componentOutput(
          Float32Array.from({ length: model.width }, () => random.normal()),
          1,
        ),
      );
      const times: { reused: Times; whole: Times }[] = [];
      for (let at = 0; at < WARM_UP + CONTEXTS; at++) {
        const tokens = Int32Array.from({ length: LENGTH }, () => random.integer(model.vocabulary));
        const context = { id: String(at), tokens, text: [] };
        times.push({ reused: await timed(reused, context, fillings), whole: await timed(whole, context, fillings) });
      }
      const of = (pick: (time: { reused: Times; whole: Times }) => number) => median(times.slice(WARM_UP).map(pick));
      const figures = {
        reused_begin_ms: of((time) => time.reused.begin),
        reused_arms_ms: of((time) => time.reused.arms),
        whole_begin_ms: of((time) => time.whole.begin),
        whole_arms_ms: of((time) => time.whole.arms),
      };
      return {
        ...figures,
        ratio_arms: of((time) => time.reused.arms / time.whole.arms),
        ratio_with_begin: of((time) => (time.reused.begin + time.reused.arms) / (time.whole.begin + time.whole.arms)),
      };
    } finally {
      await model.dispose();
    }
  },
};

async function timed(cut: CutModel, context: Context, fillings: readonly ComponentOutput[]): Promise<Times> {
  const start = performance.now();
  const open = await cut.begin(context, 'last');
  const begun = performance.now();
  await open.measure(fillings);
  const end = performance.now();
  await open.release();
  return { begin: begun - start, arms: end - begun };
}

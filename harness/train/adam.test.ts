import { describe, expect, it } from 'vitest';
import { Graph } from '../onnx/builder.js';
import { encodeModel } from '../onnx/codec.js';
import * as ops from '../onnx/ops.js';
import { float32Data, ortRuntime } from '../runtime/index.js';
import { ADAM, type AdamOptions, adamStep, correctedRate } from './adam.js';
import { Trainer } from './trainer.js';

const runtime = ortRuntime();

/** Trains `loss = sum(slope · weight)` of two parameters, whose gradient is the slope itself. */
async function linear(
  slopes: { readonly a: readonly number[]; readonly b: readonly number[] },
  options: AdamOptions = ADAM,
) {
  const graph = new Graph('linear');
  const rate = graph.input('rate', 'float32', []);
  const a = graph.input('a', 'float32', [2]);
  const b = graph.input('b', 'float32', [1]);
  const slope = (values: readonly number[]) => graph.constant('float32', [values.length], values);
  const sum = (x: typeof a, values: readonly number[]) => ops.reduceSum(ops.mul(x, slope(values)), [0]);
  const loss = ops.add(sum(a, slopes.a), sum(b, slopes.b));
  graph.output('loss', loss);
  adamStep(graph, loss, [a, b], rate, options);
  return Trainer.open(runtime, encodeModel(graph.build()), [
    { name: 'a', shape: [2], data: Float32Array.of(1, 2) },
    { name: 'b', shape: [1], data: Float32Array.of(3) },
  ]);
}

/** The same in plain float64. */
function plainAdam(weights: readonly number[], gradients: readonly (readonly number[])[], rate: number): number[] {
  const { beta1, beta2, epsilon } = ADAM;
  const first = weights.map(() => 0);
  const second = weights.map(() => 0);
  const moved = [...weights];
  gradients.forEach((gradient, step) => {
    gradient.forEach((g, i) => {
      first[i] = beta1 * first[i]! + (1 - beta1) * g;
      second[i] = beta2 * second[i]! + (1 - beta2) * g * g;
      moved[i]! -= (correctedRate(rate, step + 1) * first[i]!) / (Math.sqrt(second[i]!) + epsilon);
    });
  });
  return moved;
}

describe('one step of Adam', () => {
  it('moves each weight by the rate against the sign of its gradient, whatever its size', async () => {
    const trainer = await linear({ a: [0.3, -0.002], b: [0.04] });
    expect((await trainer.step({}, 0.1)).loss![0]).toBeCloseTo(0.3 - 0.004 + 0.12, 6);
    const weights = await trainer.weights();
    [...weights.get('a')!, ...weights.get('b')!].forEach((weight, i) => {
      expect(weight).toBeCloseTo([0.9, 2.1, 2.9][i]!, 4);
    });
    await trainer.dispose();
  });

  it('clips the norm over all parameters at once', async () => {
    // Gradients 3, 4 and 12 have norm 13. With epsilon 1 a step is 0.1 · 0.1 g / (0.1 g + 1), which shows the size of g.
    const options = { ...ADAM, epsilon: 1 };
    const moved = (g: number) => (0.1 * 0.1 * g) / (0.1 * g + 1);
    for (const [clipNorm, divisor] of [
      [1, 13],
      [6.5, 2],
      [13, 1],
      [100, 1],
    ] as const) {
      const trainer = await linear({ a: [3, 4], b: [12] }, { ...options, clipNorm });
      await trainer.step({}, 0.1);
      const weights = await trainer.weights();
      const expected = [1 - moved(3 / divisor), 2 - moved(4 / divisor), 3 - moved(12 / divisor)];
      [...weights.get('a')!, ...weights.get('b')!].forEach((weight, i) => {
        expect(weight).toBeCloseTo(expected[i]!, 6);
      });
      await trainer.dispose();
    }
  });

  it('follows float64 over many steps of a quadratic, clipped at first and then not', async () => {
    const graph = new Graph('quadratic');
    const rate = graph.input('rate', 'float32', []);
    const x = graph.input('x', 'float32', [3]);
    const target = graph.input('target', 'float32', [3]);
    const off = ops.sub(x, target);
    const loss = ops.reduceSum(ops.mul(off, off), [0]);
    graph.output('loss', loss);
    adamStep(graph, loss, [x], rate);
    const start = [1.5, -1, 0.2];
    const aim = [0, 0.5, 0.1];
    const trainer = await Trainer.open(runtime, encodeModel(graph.build()), [
      { name: 'x', shape: [3], data: Float32Array.from(start) },
    ]);
    const plain = [...start];
    const gradients: number[][] = [];
    for (let step = 0; step < 60; step++) {
      const raw = plain.map((value, i) => 2 * (value - aim[i]!));
      const norm = Math.hypot(...raw);
      gradients.push(raw.map((g) => g / Math.max(1, norm)));
      plainAdam(start, gradients, 0.05).forEach((value, i) => {
        plain[i] = value;
      });
      await trainer.step({ target: float32Data(Float32Array.from(aim), [3]) }, 0.05);
    }
    const found = (await trainer.weights()).get('x')!;
    found.forEach((value, i) => {
      expect(value).toBeCloseTo(plain[i]!, 4);
      expect(value).toBeCloseTo(aim[i]!, 0);
    });
    await trainer.dispose();
  });
});

describe('correctedRate', () => {
  it('undoes the moments’ start at zero', () => {
    // After one step of gradient g: m = 0.1 g and v = 0.01 g², so m / sqrt(v) is g/|g| times this.
    expect(correctedRate(0.5, 1)).toBeCloseTo((0.5 * Math.sqrt(0.01)) / 0.1, 12);
    expect(correctedRate(0.5, 100_000)).toBeCloseTo(0.5, 12);
  });
});

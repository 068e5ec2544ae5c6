import { describe, expect, it } from 'vitest';
import { Graph } from '../onnx/builder.js';
import { encodeModel } from '../onnx/codec.js';
import { seededRandom } from '../random.js';
import { float32, float32Data, ortRuntime } from '../runtime/index.js';
import { stateNames } from './adam.js';
import { MUON, muonUpdate, orthogonalised } from './muon.js';

const runtime = ortRuntime();

async function orthogonal(data: Float32Array, rows: number): Promise<Float32Array> {
  const graph = new Graph('orthogonal');
  const shape = [rows, data.length / rows];
  graph.output('turned', orthogonalised(graph.input('x', 'float32', shape), MUON.iterations));
  const session = await runtime.createSession(encodeModel(graph.build()));
  return float32(await session.run({ x: float32Data(data, shape) }, { turned: 'data' }), 'turned').data;
}

/** `x · transpose(x)` of `[rows, columns]`. */
function gram(x: Float32Array, rows: number): number[][] {
  const columns = x.length / rows;
  return Array.from({ length: rows }, (_, i) =>
    Array.from({ length: rows }, (_, j) => {
      let sum = 0;
      for (let k = 0; k < columns; k++) sum += x[i * columns + k]! * x[j * columns + k]!;
      return sum;
    }),
  );
}

describe('orthogonalised', () => {
  it('brings singular values of any size near 1, and leaves their vectors', async () => {
    // Diagonal, so that the singular values are seen: 100, 10 and 5, then 30 and -2.
    const turned = await orthogonal(Float32Array.of(100, 0, 0, 0, 10, 0, 0, 0, 5), 3);
    for (const at of [0, 4, 8]) expect(turned[at]).toBeGreaterThan(0.6);
    for (const at of [0, 4, 8]) expect(turned[at]).toBeLessThan(1.3);
    for (const at of [1, 2, 3, 5, 6, 7]) expect(turned[at]).toBeCloseTo(0, 5);
    expect((await orthogonal(Float32Array.of(30, 0, 0, -2), 2))[3]).toBeLessThan(-0.6);
  });

  it.each([
    [4, 9],
    [9, 4],
  ])('makes rows or columns of [%i, %i] nearly orthogonal, whichever are fewer', async (rows, columns) => {
    const random = seededRandom(`muon/${rows}`);
    const turned = await orthogonal(Float32Array.from({ length: rows * columns }, random.normal), rows);
    const few = Math.min(rows, columns);
    const short =
      rows <= columns
        ? turned
        : Float32Array.from({ length: turned.length }, (_, i) => turned[(i % rows) * columns + Math.floor(i / rows)]!);
    const products = gram(short, few);
    const trace = products.reduce((sum, row, i) => sum + row[i]!, 0);
    // Singular values between 0.7 and 1.2, whose squares these are the sums of.
    expect(trace / few).toBeGreaterThan(0.45);
    expect(trace / few).toBeLessThan(1.45);
    for (let i = 0; i < few; i++) for (let j = 0; j < i; j++) expect(Math.abs(products[i]![j]!)).toBeLessThan(0.45);
  });

  it('is 0 of 0', async () => {
    expect([...(await orthogonal(new Float32Array(4), 2))]).toEqual([0, 0, 0, 0]);
  });
});

describe('one step of Muon', () => {
  it('moves a weight against its gradient by the rate, as far as Adam would on average, and keeps the momentum', async () => {
    const graph = new Graph('step');
    const shape = [8, 8];
    const parameter = graph.input('w', 'float32', shape);
    muonUpdate(graph, parameter, graph.input('gradient', 'float32', shape), graph.input('rate', 'float32', []));
    const session = await runtime.createSession(encodeModel(graph.build()));
    const random = seededRandom('muon step');
    const gradient = Float32Array.from({ length: 64 }, random.normal);
    const { weight, first, next } = stateNames('w');
    const results = await session.run(
      {
        w: float32Data(new Float32Array(64), shape),
        [first]: float32Data(new Float32Array(64), shape),
        gradient: float32Data(gradient, shape),
        rate: float32Data(Float32Array.of(0.1), []),
      },
      { [next(weight)]: 'data', [next(first)]: 'data' },
    );
    const moved = float32(results, next(weight)).data;
    const along = moved.reduce((sum, value, i) => sum + value * gradient[i]!, 0);
    const size = Math.sqrt(moved.reduce((sum, value) => sum + value ** 2, 0) / 64);
    expect(along).toBeLessThan(0);
    expect(size).toBeGreaterThan(0.1 * 0.2 * 0.6);
    expect(size).toBeLessThan(0.1 * 0.2 * 1.3);
    float32(results, next(first)).data.forEach((value, i) => {
      expect(value).toBeCloseTo(gradient[i]! * (1 - MUON.momentum), 6);
    });
  });
});

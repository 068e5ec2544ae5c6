import { toBinary } from '@bufbuild/protobuf';
import ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../random.js';
import { backward } from './autodiff.js';
import { type ElementType, elementCount, Graph, type Value } from './builder.js';
import { gradientRules } from './gradients.js';
import * as ops from './ops.js';
import { ModelProtoSchema } from './proto/onnx_pb.js';

type Build = (...inputs: Value[]) => Value;
interface Case {
  readonly inputs: readonly (readonly number[])[];
  readonly build: Build;
  /** Where the op is defined: `positive` for logarithms, roots and divisors. */
  readonly domain?: 'positive';
}

/** One case for each op that has a rule; ops with several forms have several cases. */
const cases: Readonly<Record<string, Case>> = {
  Add: { inputs: [[2, 3], [3]], build: ops.add },
  'Add, both broadcast': {
    inputs: [
      [2, 1, 3],
      [4, 1],
    ],
    build: ops.add,
  },
  Sub: {
    inputs: [
      [2, 3],
      [2, 1],
    ],
    build: ops.sub,
  },
  Mul: {
    inputs: [
      [2, 3],
      [1, 3],
    ],
    build: ops.mul,
  },
  Div: { inputs: [[2, 3], [3]], build: ops.div, domain: 'positive' },
  Neg: { inputs: [[3]], build: ops.neg },
  Exp: { inputs: [[2, 3]], build: ops.exp },
  Log: { inputs: [[2, 3]], build: ops.log, domain: 'positive' },
  Sqrt: { inputs: [[2, 3]], build: ops.sqrt, domain: 'positive' },
  Tanh: { inputs: [[2, 3]], build: ops.tanh },
  Sigmoid: { inputs: [[2, 3]], build: ops.sigmoid },
  Relu: { inputs: [[3, 4]], build: ops.relu },
  Sin: { inputs: [[2, 3]], build: ops.sin },
  Cos: { inputs: [[2, 3]], build: ops.cos },
  Softmax: { inputs: [[2, 4]], build: (x) => ops.softmax(x!) },
  'Softmax, middle axis': { inputs: [[2, 3, 2]], build: (x) => ops.softmax(x!, 1) },
  LogSoftmax: { inputs: [[2, 4]], build: (x) => ops.logSoftmax(x!) },
  'MatMul with a weight': {
    inputs: [
      [2, 3, 4],
      [4, 5],
    ],
    build: ops.matmul,
  },
  MatMul: {
    inputs: [
      [2, 3, 4],
      [2, 4, 5],
    ],
    build: ops.matmul,
  },
  'MatMul, broadcast batch': {
    inputs: [
      [2, 2, 3, 4],
      [1, 2, 4, 5],
    ],
    build: ops.matmul,
  },
  Gemm: {
    inputs: [
      [3, 4],
      [4, 2],
    ],
    build: (a, b) => ops.gemm(a!, b!),
  },
  'Gemm, A transposed': {
    inputs: [
      [4, 3],
      [4, 2],
    ],
    build: (a, b) => ops.gemm(a!, b!, { transA: true }),
  },
  'Gemm, B transposed': {
    inputs: [
      [3, 4],
      [2, 4],
    ],
    build: (a, b) => ops.gemm(a!, b!, { transB: true }),
  },
  'Gemm, both transposed': {
    inputs: [
      [4, 3],
      [2, 4],
    ],
    build: (a, b) => ops.gemm(a!, b!, { transA: true, transB: true }),
  },
  Transpose: { inputs: [[2, 3, 4]], build: (x) => ops.transpose(x!, [2, 0, 1]) },
  Reshape: { inputs: [[2, 6]], build: (x) => ops.reshape(x!, [0, 3, -1]) },
  Unsqueeze: { inputs: [[2, 3]], build: (x) => ops.unsqueeze(x!, [1]) },
  Squeeze: { inputs: [[2, 1, 3]], build: (x) => ops.squeeze(x!, [1]) },
  Expand: { inputs: [[2, 1]], build: (x) => ops.expand(x!, [3, 2, 4]) },
  Concat: {
    inputs: [
      [2, 1],
      [2, 3],
    ],
    build: (a, b) => ops.concat([a!, b!], 1),
  },
  Slice: { inputs: [[3, 5]], build: (x) => ops.slice(x!, 1, 1, 3) },
  Gather: {
    inputs: [[4, 3]],
    build: (x) => ops.gather(x!, x!.graph.constant('int64', [2, 3], [3, 0, 3, 1, 1, 1])),
  },
  GatherElements: {
    inputs: [[2, 4]],
    build: (x) => ops.gatherElements(x!, x!.graph.constant('int64', [2, 2], [3, 3, 0, 1])),
  },
  ReduceSum: { inputs: [[2, 3, 4]], build: (x) => ops.reduceSum(x!, [0, 2]) },
  ReduceMean: { inputs: [[2, 3, 4]], build: (x) => ops.reduceMean(x!, [-1], { keepDims: true }) },
  Where: {
    inputs: [[2, 3], [3]],
    build: (a, b) => ops.where(a!.graph.constant('bool', [2, 3], [1, 0, 1, 0, 0, 1]), a!, b!),
  },
  LayerNormalization: { inputs: [[3, 5], [5], [5]], build: (x, s, b) => ops.layerNormalization(x!, s!, b!, 1e-5) },
  TopK: { inputs: [[3, 6]], build: (x) => ops.topK(x!, 2).values },
  Cast: { inputs: [[2, 2]], build: (x) => ops.cast(ops.cast(x!, 'float32'), 'float64') },
  'a value used twice': { inputs: [[2, 3]], build: (x) => ops.mul(ops.exp(x!), ops.tanh(x!)) },
};

const differentiable = Object.keys(gradientRules).filter(
  (op) => !['ArgMax', 'Equal', 'Greater', 'GreaterOrEqual', 'And', 'Shape', 'Identity'].includes(op),
);

async function run(graph: Graph, feeds: Record<string, ort.Tensor>): Promise<Record<string, Float64Array>> {
  const session = await ort.InferenceSession.create(toBinary(ModelProtoSchema, graph.build()), { logSeverityLevel: 3 });
  const results = await session.run(feeds);
  return Object.fromEntries(
    Object.entries(results).map(([name, tensor]) => [name, Float64Array.from(tensor.data as Float64Array)]),
  );
}

/** sum(weights * build(inputs)), so that every element of the output counts differently. */
function weightedSum(graph: Graph, out: Value, seed: string): Value {
  const random = seededRandom(seed);
  const shape = out.shape.map(Number);
  const weights = Array.from({ length: elementCount(shape) }, () => random.normal());
  const axes = shape.map((_, axis) => axis);
  return ops.reduceSum(ops.mul(out, graph.initializer('weights', out.type, shape, weights)), axes);
}

async function compare({ inputs, build, domain }: Case, name: string, type: ElementType, step: number, digits: number) {
  const random = seededRandom(name);
  const draw = () => (domain === 'positive' ? 0.5 + random.next() : random.normal());
  const points = inputs.map((shape) => Float64Array.from({ length: elementCount(shape) }, draw));
  const graph = new Graph(name);
  const parameters = inputs.map((shape, index) => graph.input(`x${index}`, 'float64', shape));
  const cast = parameters.map((value) => ops.cast(value, type));
  const loss = ops.cast(weightedSum(graph, build(...cast), name), 'float64');
  backward(loss, parameters).forEach((gradient, index) => {
    expect(gradient.shape).toEqual(inputs[index]);
    graph.output(`d${index}`, gradient);
  });
  graph.output('loss', loss);
  const session = await ort.InferenceSession.create(toBinary(ModelProtoSchema, graph.build()), { logSeverityLevel: 3 });
  const at = async (values: readonly Float64Array[]) =>
    session.run(
      Object.fromEntries(values.map((data, i) => [`x${i}`, new ort.Tensor('float64', data, [...inputs[i]!])])),
    );
  const exact = await at(points);
  for (const [index, point] of points.entries()) {
    for (let element = 0; element < point.length; element++) {
      const moved = async (by: number) => {
        const { loss: value } = await at(points.with(index, point.with(element, point[element]! + by)));
        return Number(value!.data[0]);
      };
      const slope = ((await moved(step)) - (await moved(-step))) / (2 * step);
      expect(Number(exact[`d${index}`]!.data[element]), `${name} d${index}[${element}]`).toBeCloseTo(slope, digits);
    }
  }
}

describe('backward, against central differences in float64', () => {
  it.each(Object.entries(cases).filter(([name]) => name !== 'Cast'))('%s', (name, each) =>
    compare(each, name, 'float64', 1e-5, 6),
  );
  it('Cast, and GELU, which the runtime has in float32 only', async () => {
    await compare(cases.Cast!, 'Cast', 'float64', 1e-2, 3);
    await compare({ inputs: [[3, 4]], build: (x) => ops.gelu(x!) }, 'Gelu', 'float32', 1e-2, 3);
  });
  it('has a case for every rule', () => {
    const covered = new Set([...Object.keys(cases), 'Gelu'].map((name) => name.split(/[ ,]/)[0]));
    expect(differentiable.filter((op) => !covered.has(op))).toEqual([]);
  });
});

describe('backward', () => {
  it('gives x + x the gradient 2', async () => {
    const graph = new Graph('double');
    const x = graph.input('x', 'float64', [1]);
    graph.output('d', backward(ops.reduceSum(ops.add(x, x), [0]), [x])[0]!);
    const { d } = await run(graph, { x: new ort.Tensor('float64', Float64Array.of(3), [1]) });
    expect([...d!]).toEqual([2]);
  });
  it('refuses a loss of several numbers', () => {
    const graph = new Graph('several');
    const x = graph.input('x', 'float32', [2]);
    expect(() => backward(ops.exp(x), [x])).toThrow(/a loss is one number/);
  });
  it('refuses a parameter that the loss does not see', () => {
    const graph = new Graph('unseen');
    const [x, y] = [graph.input('x', 'float32', [1]), graph.input('y', 'float32', [1])];
    expect(() => backward(ops.exp(x), [y])).toThrow(/does not depend on y/);
  });
  it('refuses an op without a rule, by name', () => {
    const graph = new Graph('unknown');
    const x = graph.input('x', 'float32', [1]);
    const [y] = graph.emit('Acosh', [x], [{ type: 'float32', shape: [1] }]);
    expect(() => backward(y!, [x])).toThrow('Acosh has no gradient rule');
  });
});

describe('ops', () => {
  const graph = new Graph('shapes');
  const a = graph.input('a', 'float32', ['batch', 'token', 8]);
  it('keep named sizes through a product with a weight', () =>
    expect(ops.matmul(a, graph.initializer('w', 'float32', [8, 4], new Array(32).fill(0))).shape).toEqual([
      'batch',
      'token',
      4,
    ]));
  it('split a named shape into heads', () =>
    expect(ops.reshape(a, [0, 0, 2, 4]).shape).toEqual(['batch', 'token', 2, 4]));
  it('refuse a product that does not fit, naming both shapes', () =>
    expect(() => ops.matmul(a, a)).toThrow('MatMul: [batch,token,8] times [batch,token,8]'));
  it('refuse shapes that do not broadcast', () =>
    expect(() => ops.add(a, graph.integers([1, 2]))).toThrow(/Add: float32 with int64/));
  it('refuse a value of another graph', () =>
    expect(() => new Graph('b').emit('Neg', [a], [a])).toThrow(/another graph/));
});

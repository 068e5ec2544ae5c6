import { type Emitted, elementCount, type Shape, type Value } from './builder.js';
import * as ops from './ops.js';
import { axisOf } from './shapes.js';

/**
 * How a loss's gradient passes back through one node: from the gradients of its outputs (`null` where nothing
 * downstream used one) to those of its inputs (`null` where none can pass: indices, shapes, conditions).
 */
export type GradientRule = (node: Emitted, of: readonly (Value | null)[]) => readonly (Value | null)[];

interface Passed {
  readonly node: Emitted;
  /** Gradient of the loss by the node's first output, of that output's shape. */
  readonly gradient: Value;
  readonly output: Value;
  /** The node's inputs; none of the ops here leaves one out. */
  readonly inputs: readonly Value[];
}

/** For a node whose first output alone carries a gradient. */
function single(rule: (passed: Passed) => readonly (Value | null)[]): GradientRule {
  return (node, [gradient]) => {
    const inputs = node.inputs.filter((input) => input !== null);
    return gradient ? rule({ node, gradient, output: node.outputs[0]!, inputs }) : inputs.map(() => null);
  };
}

const unary = (rule: (gradient: Value, output: Value, input: Value) => Value): GradientRule =>
  single(({ gradient, output, inputs }) => [rule(gradient, output, inputs[0]!)]);

const none: GradientRule = (node) => node.inputs.map(() => null);

/** Undoes a broadcast: sums `gradient` down to `shape`. */
function unbroadcast(gradient: Value, shape: Shape): Value {
  const extra = gradient.shape.length - shape.length;
  const widened = gradient.shape.flatMap((dim, axis) =>
    axis >= extra && shape[axis - extra] === 1 && dim !== 1 ? [axis] : [],
  );
  const kept = widened.length > 0 ? ops.reduceSum(gradient, widened, { keepDims: true }) : gradient;
  const leading = Array.from({ length: extra }, (_, axis) => axis);
  return leading.length > 0 ? ops.reduceSum(kept, leading) : kept;
}

/** Sizes as Reshape and Expand take them. @throws {RangeError} when one is only known by name */
function fixed(shape: Shape): readonly number[] {
  elementCount(shape);
  return shape.map(Number);
}

const zerosLike = (value: Value) => ops.expand(value.graph.scalar(0, value.type), fixed(value.shape));

function integerAttribute(node: Emitted, name: string): number {
  const value = node.attributes[name];
  if (typeof value !== 'number') throw new RangeError(`${node.op} has no integer attribute ${name}`);
  return value;
}

function swapLast(x: Value): Value {
  const perm = x.shape.map((_, axis) => axis);
  return ops.transpose(x, [...perm.slice(0, -2), perm.length - 1, perm.length - 2]);
}

const flatRows = (x: Value) => ops.reshape(x, [-1, Number(x.shape.at(-1))]);

const matmulRule = single(({ gradient, inputs }) => {
  const [a, b] = [inputs[0]!, inputs[1]!];
  if (b.shape.length === 2) {
    // One weight for all rows: two flat products, with no transposed copy of anything.
    const rows = flatRows(gradient);
    return [
      ops.reshape(ops.gemm(rows, b, { transB: true }), fixed(a.shape)),
      ops.gemm(flatRows(a), rows, { transA: true }),
    ];
  }
  return [
    unbroadcast(ops.matmul(gradient, swapLast(b)), a.shape),
    unbroadcast(ops.matmul(swapLast(a), gradient), b.shape),
  ];
});

const gemmRule = single(({ node, gradient, inputs }) => {
  const [a, b] = [inputs[0]!, inputs[1]!];
  const [transA, transB] = [integerAttribute(node, 'transA') === 1, integerAttribute(node, 'transB') === 1];
  return [
    transA ? ops.gemm(b, gradient, { transA: transB, transB: true }) : ops.gemm(gradient, b, { transB: !transB }),
    transB ? ops.gemm(gradient, a, { transA: true, transB: transA }) : ops.gemm(a, gradient, { transA: !transA }),
  ];
});

/** Derivative of the tanh-approximated GELU, times the gradient. */
function geluGradient(gradient: Value, _output: Value, x: Value): Value {
  const c = Math.sqrt(2 / Math.PI);
  const square = ops.mul(x, x);
  const t = ops.tanh(ops.mul(ops.mulScalar(x, c), ops.addScalar(ops.mulScalar(square, 0.044715), 1)));
  const slope = ops.mulScalar(ops.addScalar(ops.mulScalar(square, 3 * 0.044715), 1), c / 2);
  const sech2 = ops.addScalar(ops.neg(ops.mul(t, t)), 1);
  return ops.mul(gradient, ops.add(ops.addScalar(ops.mulScalar(t, 0.5), 0.5), ops.mul(ops.mul(x, sech2), slope)));
}

/** Spreads the gradient of a sum (or a mean) back over the axes that were reduced. */
const reduction = (mean: boolean): GradientRule =>
  single(({ node, gradient, output, inputs }) => {
    const x = inputs[0]!;
    const gone = new Set(x.graph.contentOf(inputs[1]!).map((axis) => axisOf(node.op, x.shape, axis)));
    const kept = ops.reshape(gradient, fixed(x.shape.map((dim, axis) => (gone.has(axis) ? 1 : dim))));
    const share = mean ? ops.mulScalar(kept, elementCount(output.shape) / elementCount(x.shape)) : kept;
    return [ops.expand(share, fixed(x.shape)), null];
  });

const layerNormalizationRule = single(({ node, gradient, inputs }) => {
  const [x, scale, bias] = [inputs[0]!, inputs[1]!, inputs[2]!];
  const [mean, inverse] = [ops.cast(node.outputs[1]!, x.type), ops.cast(node.outputs[2]!, x.type)];
  const centred = ops.mul(ops.sub(x, mean), inverse);
  const scaled = ops.mul(gradient, scale);
  const average = (value: Value) => ops.reduceMean(value, [-1], { keepDims: true });
  const along = ops.sub(ops.sub(scaled, average(scaled)), ops.mul(centred, average(ops.mul(scaled, centred))));
  return [
    ops.mul(along, inverse),
    unbroadcast(ops.mul(gradient, centred), scale.shape),
    unbroadcast(gradient, bias.shape),
  ];
});

const gatherRule = single(({ node, gradient, inputs }) => {
  const [data, indices] = [inputs[0]!, inputs[1]!];
  if (integerAttribute(node, 'axis') !== 0) throw new RangeError('Gather: gradients are known for axis 0 only');
  const rows = ops.reshape(indices, [elementCount(indices.shape), 1]);
  const updates = ops.reshape(gradient, [elementCount(indices.shape), ...fixed(data.shape.slice(1))]);
  return [ops.scatterAddRows(zerosLike(data), rows, updates), null];
});

const concatRule = single(({ node, gradient, inputs }) => {
  const axis = integerAttribute(node, 'axis');
  let start = 0;
  return inputs.map((input) => {
    const end = start + Number(input.shape[axis]);
    const part = ops.slice(gradient, axis, start, end);
    start = end;
    return part;
  });
});

/** Zeros before and after: a slice's gradient in its place. */
const sliceRule = single(({ gradient, inputs }) => {
  const [x, starts, ends, axes] = [inputs[0]!, inputs[1]!, inputs[2]!, inputs[3]!];
  const [start, end, axis] = [starts, ends, axes].map((value) => x.graph.contentOf(value)[0]!) as [
    number,
    number,
    number,
  ];
  const size = Number(x.shape[axis]);
  const zeros = (length: number): Value[] =>
    length === 0 ? [] : [ops.expand(x.graph.scalar(0, x.type), fixed(x.shape.with(axis, length)))];
  const [first, ...rest] = [...zeros(start), gradient, ...zeros(size - end)];
  return [ops.concat([first!, ...rest], axis), null, null, null];
});

/** One rule for each op that a trained graph may use. */
export const gradientRules: Readonly<Record<string, GradientRule>> = {
  Add: single(({ gradient, inputs }) => inputs.map((input) => unbroadcast(gradient, input.shape))),
  Sub: single(({ gradient, inputs: [a, b] }) => [
    unbroadcast(gradient, a!.shape),
    unbroadcast(ops.neg(gradient), b!.shape),
  ]),
  Mul: single(({ gradient, inputs: [a, b] }) => [
    unbroadcast(ops.mul(gradient, b!), a!.shape),
    unbroadcast(ops.mul(gradient, a!), b!.shape),
  ]),
  Div: single(({ gradient, output, inputs: [a, b] }) => {
    const by = ops.div(gradient, b!);
    return [unbroadcast(by, a!.shape), unbroadcast(ops.neg(ops.mul(by, output)), b!.shape)];
  }),
  Neg: unary((gradient) => ops.neg(gradient)),
  Exp: unary((gradient, output) => ops.mul(gradient, output)),
  Log: unary((gradient, _output, x) => ops.div(gradient, x)),
  Sqrt: unary((gradient, output) => ops.mulScalar(ops.div(gradient, output), 0.5)),
  Tanh: unary((gradient, t) => ops.mul(gradient, ops.addScalar(ops.neg(ops.mul(t, t)), 1))),
  Sigmoid: unary((gradient, s) => ops.mul(gradient, ops.mul(s, ops.addScalar(ops.neg(s), 1)))),
  Relu: unary((gradient, output) => {
    const zero = output.graph.scalar(0, output.type);
    return ops.where(ops.greater(output, zero), gradient, zero);
  }),
  Sin: unary((gradient, _output, x) => ops.mul(gradient, ops.cos(x))),
  Cos: unary((gradient, _output, x) => ops.neg(ops.mul(gradient, ops.sin(x)))),
  Gelu: unary(geluGradient),
  Cast: unary((gradient, _output, x) => ops.cast(gradient, x.type)),
  Softmax: single(({ node, gradient, output }) => {
    const weighted = ops.mul(gradient, output);
    return [
      ops.sub(weighted, ops.mul(output, ops.reduceSum(weighted, [integerAttribute(node, 'axis')], { keepDims: true }))),
    ];
  }),
  LogSoftmax: single(({ node, gradient, output }) => {
    const total = ops.reduceSum(gradient, [integerAttribute(node, 'axis')], { keepDims: true });
    return [ops.sub(gradient, ops.mul(ops.exp(output), total))];
  }),
  MatMul: matmulRule,
  Gemm: gemmRule,
  Transpose: single(({ node, gradient }) => {
    const perm = node.attributes.perm;
    if (!Array.isArray(perm)) throw new RangeError('Transpose has no perm');
    return [
      ops.transpose(
        gradient,
        perm.map((_, axis) => perm.indexOf(axis)),
      ),
    ];
  }),
  Reshape: single(({ gradient, inputs: [x] }) => [ops.reshape(gradient, fixed(x!.shape)), null]),
  Unsqueeze: single(({ gradient, inputs: [x] }) => [ops.reshape(gradient, fixed(x!.shape)), null]),
  Squeeze: single(({ gradient, inputs: [x] }) => [ops.reshape(gradient, fixed(x!.shape)), null]),
  Expand: single(({ gradient, inputs: [x] }) => [unbroadcast(gradient, x!.shape), null]),
  Concat: concatRule,
  Slice: sliceRule,
  Gather: gatherRule,
  GatherElements: single(({ node, gradient, inputs: [data, indices] }) => [
    ops.scatterElements(zerosLike(data!), indices!, gradient, integerAttribute(node, 'axis'), 'add'),
    null,
  ]),
  ReduceSum: reduction(false),
  ReduceMean: reduction(true),
  Where: single(({ gradient, inputs: [condition, yes, no] }) => {
    const zero = gradient.graph.scalar(0, gradient.type);
    return [
      null,
      unbroadcast(ops.where(condition!, gradient, zero), yes!.shape),
      unbroadcast(ops.where(condition!, zero, gradient), no!.shape),
    ];
  }),
  LayerNormalization: layerNormalizationRule,
  /** Passes to the elements that were chosen; which ones are chosen does not move. */
  TopK: single(({ node, gradient, inputs: [x] }) => [
    ops.scatterElements(zerosLike(x!), node.outputs[1]!, gradient, integerAttribute(node, 'axis')),
    null,
  ]),
  ArgMax: none,
  Equal: none,
  Greater: none,
  GreaterOrEqual: none,
  And: none,
  Shape: none,
  /** Written by `detach`. */
  Identity: none,
};

import { type Emitted, elementCount, type Shape, type Value } from './builder.js';
import * as o from './ops.js';
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
  const kept = widened.length > 0 ? o.reduceSum(gradient, widened, { keepDims: true }) : gradient;
  const leading = Array.from({ length: extra }, (_, axis) => axis);
  return leading.length > 0 ? o.reduceSum(kept, leading) : kept;
}

/** Sizes as Reshape and Expand take them. @throws {RangeError} when one is only known by name */
function fixed(shape: Shape): readonly number[] {
  elementCount(shape);
  return shape.map(Number);
}

const zerosLike = (value: Value) => o.expand(value.graph.scalar(0, value.type), fixed(value.shape));

function integerAttribute(node: Emitted, name: string): number {
  const value = node.attributes[name];
  if (typeof value !== 'number') throw new RangeError(`${node.op} has no integer attribute ${name}`);
  return value;
}

function swapLast(x: Value): Value {
  const perm = x.shape.map((_, axis) => axis);
  return o.transpose(x, [...perm.slice(0, -2), perm.length - 1, perm.length - 2]);
}

const flatRows = (x: Value) => o.reshape(x, [-1, Number(x.shape.at(-1))]);

const matmulRule = single(({ gradient, inputs }) => {
  const [a, b] = [inputs[0]!, inputs[1]!];
  if (b.shape.length === 2) {
    // One weight for all rows: two flat products, with no transposed copy of anything.
    const rows = flatRows(gradient);
    return [o.reshape(o.gemm(rows, b, { transB: true }), fixed(a.shape)), o.gemm(flatRows(a), rows, { transA: true })];
  }
  return [unbroadcast(o.matmul(gradient, swapLast(b)), a.shape), unbroadcast(o.matmul(swapLast(a), gradient), b.shape)];
});

const gemmRule = single(({ node, gradient, inputs }) => {
  const [a, b] = [inputs[0]!, inputs[1]!];
  const [transA, transB] = [integerAttribute(node, 'transA') === 1, integerAttribute(node, 'transB') === 1];
  return [
    transA ? o.gemm(b, gradient, { transA: transB, transB: true }) : o.gemm(gradient, b, { transB: !transB }),
    transB ? o.gemm(gradient, a, { transA: true, transB: transA }) : o.gemm(a, gradient, { transA: !transA }),
  ];
});

/** Derivative of the tanh-approximated GELU, times the gradient. */
function geluGradient(gradient: Value, _output: Value, x: Value): Value {
  const c = Math.sqrt(2 / Math.PI);
  const square = o.mul(x, x);
  const t = o.tanh(o.mul(o.mulScalar(x, c), o.addScalar(o.mulScalar(square, 0.044715), 1)));
  const slope = o.mulScalar(o.addScalar(o.mulScalar(square, 3 * 0.044715), 1), c / 2);
  const sech2 = o.addScalar(o.neg(o.mul(t, t)), 1);
  return o.mul(gradient, o.add(o.addScalar(o.mulScalar(t, 0.5), 0.5), o.mul(o.mul(x, sech2), slope)));
}

/** Spreads the gradient of a sum (or a mean) back over the axes that were reduced. */
const reduction = (mean: boolean): GradientRule =>
  single(({ node, gradient, output, inputs }) => {
    const x = inputs[0]!;
    const gone = new Set(x.graph.contentOf(inputs[1]!).map((axis) => axisOf(node.op, x.shape, axis)));
    const kept = o.reshape(gradient, fixed(x.shape.map((dim, axis) => (gone.has(axis) ? 1 : dim))));
    const share = mean ? o.mulScalar(kept, elementCount(output.shape) / elementCount(x.shape)) : kept;
    return [o.expand(share, fixed(x.shape)), null];
  });

const layerNormalizationRule = single(({ node, gradient, inputs }) => {
  const [x, scale, bias] = [inputs[0]!, inputs[1]!, inputs[2]!];
  const [mean, inverse] = [o.cast(node.outputs[1]!, x.type), o.cast(node.outputs[2]!, x.type)];
  const centred = o.mul(o.sub(x, mean), inverse);
  const scaled = o.mul(gradient, scale);
  const average = (value: Value) => o.reduceMean(value, [-1], { keepDims: true });
  const along = o.sub(o.sub(scaled, average(scaled)), o.mul(centred, average(o.mul(scaled, centred))));
  return [o.mul(along, inverse), unbroadcast(o.mul(gradient, centred), scale.shape), unbroadcast(gradient, bias.shape)];
});

const gatherRule = single(({ node, gradient, inputs }) => {
  const [data, indices] = [inputs[0]!, inputs[1]!];
  if (integerAttribute(node, 'axis') !== 0) throw new RangeError('Gather: gradients are known for axis 0 only');
  const rows = o.reshape(indices, [elementCount(indices.shape), 1]);
  const updates = o.reshape(gradient, [elementCount(indices.shape), ...fixed(data.shape.slice(1))]);
  return [o.scatterAddRows(zerosLike(data), rows, updates), null];
});

const concatRule = single(({ node, gradient, inputs }) => {
  const axis = integerAttribute(node, 'axis');
  let start = 0;
  return inputs.map((input) => {
    const end = start + Number(input.shape[axis]);
    const part = o.slice(gradient, axis, start, end);
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
    length === 0 ? [] : [o.expand(x.graph.scalar(0, x.type), fixed(x.shape.with(axis, length)))];
  const [first, ...rest] = [...zeros(start), gradient, ...zeros(size - end)];
  return [o.concat([first!, ...rest], axis), null, null, null];
});

/** One rule for each op that a trained graph may use. */
export const gradientRules: Readonly<Record<string, GradientRule>> = {
  Add: single(({ gradient, inputs }) => inputs.map((input) => unbroadcast(gradient, input.shape))),
  Sub: single(({ gradient, inputs: [a, b] }) => [
    unbroadcast(gradient, a!.shape),
    unbroadcast(o.neg(gradient), b!.shape),
  ]),
  Mul: single(({ gradient, inputs: [a, b] }) => [
    unbroadcast(o.mul(gradient, b!), a!.shape),
    unbroadcast(o.mul(gradient, a!), b!.shape),
  ]),
  Div: single(({ gradient, output, inputs: [a, b] }) => {
    const by = o.div(gradient, b!);
    return [unbroadcast(by, a!.shape), unbroadcast(o.neg(o.mul(by, output)), b!.shape)];
  }),
  Neg: unary((gradient) => o.neg(gradient)),
  Exp: unary((gradient, output) => o.mul(gradient, output)),
  Log: unary((gradient, _output, x) => o.div(gradient, x)),
  Sqrt: unary((gradient, output) => o.mulScalar(o.div(gradient, output), 0.5)),
  Tanh: unary((gradient, t) => o.mul(gradient, o.addScalar(o.neg(o.mul(t, t)), 1))),
  Sigmoid: unary((gradient, s) => o.mul(gradient, o.mul(s, o.addScalar(o.neg(s), 1)))),
  Relu: unary((gradient, output) => {
    const zero = output.graph.scalar(0, output.type);
    return o.where(o.greater(output, zero), gradient, zero);
  }),
  Sin: unary((gradient, _output, x) => o.mul(gradient, o.cos(x))),
  Cos: unary((gradient, _output, x) => o.neg(o.mul(gradient, o.sin(x)))),
  Gelu: unary(geluGradient),
  Cast: unary((gradient, _output, x) => o.cast(gradient, x.type)),
  Softmax: single(({ node, gradient, output }) => {
    const weighted = o.mul(gradient, output);
    return [
      o.sub(weighted, o.mul(output, o.reduceSum(weighted, [integerAttribute(node, 'axis')], { keepDims: true }))),
    ];
  }),
  LogSoftmax: single(({ node, gradient, output }) => {
    const total = o.reduceSum(gradient, [integerAttribute(node, 'axis')], { keepDims: true });
    return [o.sub(gradient, o.mul(o.exp(output), total))];
  }),
  MatMul: matmulRule,
  Gemm: gemmRule,
  Transpose: single(({ node, gradient }) => {
    const perm = node.attributes.perm;
    if (!Array.isArray(perm)) throw new RangeError('Transpose has no perm');
    return [
      o.transpose(
        gradient,
        perm.map((_, axis) => perm.indexOf(axis)),
      ),
    ];
  }),
  Reshape: single(({ gradient, inputs: [x] }) => [o.reshape(gradient, fixed(x!.shape)), null]),
  Unsqueeze: single(({ gradient, inputs: [x] }) => [o.reshape(gradient, fixed(x!.shape)), null]),
  Squeeze: single(({ gradient, inputs: [x] }) => [o.reshape(gradient, fixed(x!.shape)), null]),
  Expand: single(({ gradient, inputs: [x] }) => [unbroadcast(gradient, x!.shape), null]),
  Concat: concatRule,
  Slice: sliceRule,
  Gather: gatherRule,
  GatherElements: single(({ node, gradient, inputs: [data, indices] }) => [
    o.scatterElements(zerosLike(data!), indices!, gradient, integerAttribute(node, 'axis'), 'add'),
    null,
  ]),
  ReduceSum: reduction(false),
  ReduceMean: reduction(true),
  Where: single(({ gradient, inputs: [condition, yes, no] }) => {
    const zero = gradient.graph.scalar(0, gradient.type);
    return [
      null,
      unbroadcast(o.where(condition!, gradient, zero), yes!.shape),
      unbroadcast(o.where(condition!, zero, gradient), no!.shape),
    ];
  }),
  LayerNormalization: layerNormalizationRule,
  /** Passes to the elements that were chosen; which ones are chosen does not move. */
  TopK: single(({ node, gradient, inputs: [x] }) => [
    o.scatterElements(zerosLike(x!), node.outputs[1]!, gradient, integerAttribute(node, 'axis')),
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

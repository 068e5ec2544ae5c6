import { type Attribute, DATA_TYPE, type Dim, type ElementType, type Shape, showShape, type Value } from './builder.js';
import { axisOf, broadcast, reduced, reshaped } from './shapes.js';

function sameType(op: string, values: readonly Value[]): ElementType {
  const type = values[0]!.type;
  for (const value of values) {
    if (value.type !== type) throw new RangeError(`${op}: ${type} with ${value.type} (${value.name})`);
  }
  return type;
}

function one(
  op: string,
  inputs: readonly [Value, ...(Value | null)[]],
  type: ElementType,
  shape: Shape,
  attributes: Readonly<Record<string, Attribute>> = {},
): Value {
  return inputs[0].graph.emit(op, inputs, [{ type, shape }], attributes)[0]!;
}

const elementwise = (op: string) => (a: Value, b: Value) =>
  one(op, [a, b], sameType(op, [a, b]), broadcast(op, a.shape, b.shape));
const unary = (op: string) => (x: Value) => one(op, [x], x.type, x.shape);
const comparison = (op: string) => (a: Value, b: Value) => {
  sameType(op, [a, b]);
  return one(op, [a, b], 'bool', broadcast(op, a.shape, b.shape));
};

export const add = elementwise('Add');
export const sub = elementwise('Sub');
export const mul = elementwise('Mul');
export const div = elementwise('Div');
export const and = elementwise('And');
export const greaterOrEqual = comparison('GreaterOrEqual');
export const greater = comparison('Greater');
export const neg = unary('Neg');
export const exp = unary('Exp');
export const log = unary('Log');
export const sqrt = unary('Sqrt');
export const tanh = unary('Tanh');
export const sigmoid = unary('Sigmoid');
export const relu = unary('Relu');
export const sin = unary('Sin');
export const cos = unary('Cos');

/** `x + value`, `x * value`: a number beside a tensor takes the tensor's type. */
export const addScalar = (x: Value, value: number) => add(x, x.graph.scalar(value, x.type));
export const mulScalar = (x: Value, value: number) => mul(x, x.graph.scalar(value, x.type));

export function cast(x: Value, type: ElementType): Value {
  return x.type === type ? x : one('Cast', [x], type, x.shape, { to: DATA_TYPE[type] });
}

/** The same values, through which no gradient passes. */
export const detach = (x: Value) => one('Identity', [x], x.type, x.shape);

/** Gaussian error linear unit in its tanh approximation (Hendrycks & Gimpel 2016, arXiv 1606.08415). float32 only. */
export function gelu(x: Value): Value {
  if (x.type !== 'float32') throw new RangeError(`Gelu: float32 wanted, ${x.type} given (${x.name})`);
  return one('Gelu', [x], x.type, x.shape, { approximate: 'tanh' });
}

export const softmax = (x: Value, axis = -1) =>
  one('Softmax', [x], x.type, x.shape, { axis: axisOf('Softmax', x.shape, axis) });
export const logSoftmax = (x: Value, axis = -1) =>
  one('LogSoftmax', [x], x.type, x.shape, { axis: axisOf('LogSoftmax', x.shape, axis) });

/** `[…, m, k] x […, k, n] -> […, m, n]`; leading dimensions broadcast. Both at least two-dimensional. */
export function matmul(a: Value, b: Value): Value {
  const type = sameType('MatMul', [a, b]);
  const [k, k2] = [a.shape.at(-1), b.shape.at(-2)];
  if (a.shape.length < 2 || b.shape.length < 2 || k !== k2) {
    throw new RangeError(`MatMul: ${showShape(a.shape)} times ${showShape(b.shape)}`);
  }
  const batch = broadcast('MatMul', a.shape.slice(0, -2), b.shape.slice(0, -2));
  return one('MatMul', [a, b], type, [...batch, a.shape.at(-2)!, b.shape.at(-1)!]);
}

/** Two-dimensional product of `a` or its transpose with `b` or its transpose; nothing is moved in memory. */
export function gemm(a: Value, b: Value, { transA = false, transB = false } = {}): Value {
  const type = sameType('Gemm', [a, b]);
  const left = transA ? [...a.shape].reverse() : a.shape;
  const right = transB ? [...b.shape].reverse() : b.shape;
  if (left.length !== 2 || right.length !== 2 || left[1] !== right[0]) {
    throw new RangeError(`Gemm: ${showShape(left)} times ${showShape(right)}`);
  }
  return one('Gemm', [a, b], type, [left[0]!, right[1]!], { transA: Number(transA), transB: Number(transB) });
}

export function transpose(x: Value, perm: readonly number[]): Value {
  if ([...perm].sort((a, b) => a - b).join() !== x.shape.map((_, axis) => axis).join()) {
    throw new RangeError(`Transpose: [${perm}] does not permute ${showShape(x.shape)}`);
  }
  return one(
    'Transpose',
    [x],
    x.type,
    perm.map((axis) => x.shape[axis]!),
    { perm },
  );
}

/** 0 keeps the dimension at its place, one -1 takes what is left. */
export function reshape(x: Value, target: readonly number[]): Value {
  return one('Reshape', [x, x.graph.integers(target)], x.type, reshaped(x.shape, target));
}

export function unsqueeze(x: Value, axes: readonly number[]): Value {
  const rank = x.shape.length + axes.length;
  const added = new Set(axes.map((axis) => (axis < 0 ? axis + rank : axis)));
  const rest = [...x.shape];
  const shape = Array.from({ length: rank }, (_, axis): Dim => (added.has(axis) ? 1 : rest.shift()!));
  return one('Unsqueeze', [x, x.graph.integers(axes)], x.type, shape);
}

export function squeeze(x: Value, axes: readonly number[]): Value {
  const gone = new Set(axes.map((axis) => axisOf('Squeeze', x.shape, axis)));
  for (const axis of gone) {
    if (x.shape[axis] !== 1) throw new RangeError(`Squeeze: axis ${axis} of ${showShape(x.shape)} is not 1`);
  }
  return one(
    'Squeeze',
    [x, x.graph.integers(axes)],
    x.type,
    x.shape.filter((_, axis) => !gone.has(axis)),
  );
}

export function concat(values: readonly [Value, ...Value[]], axis: number): Value {
  const [first] = values;
  const at = axisOf('Concat', first.shape, axis);
  for (const value of values) {
    if (value.shape.length !== first.shape.length || value.shape.some((dim, i) => i !== at && dim !== first.shape[i])) {
      throw new RangeError(`Concat: ${showShape(first.shape)} and ${showShape(value.shape)} along axis ${at}`);
    }
  }
  const sizes = values.map((value) => value.shape[at]!);
  const size = sizes.every((dim) => typeof dim === 'number')
    ? sizes.reduce((sum, dim) => sum + dim, 0)
    : sizes.join('+');
  return one('Concat', [...values] as [Value, ...Value[]], sameType('Concat', values), first.shape.with(at, size), {
    axis: at,
  });
}

/** `x[…, start:end, …]` along one axis of fixed size. */
export function slice(x: Value, axis: number, start: number, end: number): Value {
  const at = axisOf('Slice', x.shape, axis);
  const size = x.shape[at]!;
  if (typeof size !== 'number' || start < 0 || end > size || start >= end) {
    throw new RangeError(`Slice: ${start}:${end} of axis ${at} of ${showShape(x.shape)}`);
  }
  const integers = (value: number) => x.graph.integers([value]);
  return one('Slice', [x, integers(start), integers(end), integers(at)], x.type, x.shape.with(at, end - start));
}

/** Rows of `data` along `axis`, chosen by int indices of any shape. */
export function gather(data: Value, indices: Value, axis = 0): Value {
  const at = axisOf('Gather', data.shape, axis);
  const shape = [...data.shape.slice(0, at), ...indices.shape, ...data.shape.slice(at + 1)];
  return one('Gather', [data, indices], data.type, shape, { axis: at });
}

/** `out[i][j] = data[i][indices[i][j]]` for the last axis. */
export function gatherElements(data: Value, indices: Value, axis = -1): Value {
  const at = axisOf('GatherElements', data.shape, axis);
  return one('GatherElements', [data, indices], data.type, indices.shape, { axis: at });
}

/** `data` with `updates` added at (or put in) the places that `indices` name along `axis`. */
export function scatterElements(
  data: Value,
  indices: Value,
  updates: Value,
  axis = -1,
  reduction: 'none' | 'add' = 'none',
): Value {
  const at = axisOf('ScatterElements', data.shape, axis);
  return one('ScatterElements', [data, indices, updates], sameType('ScatterElements', [data, updates]), data.shape, {
    axis: at,
    reduction,
  });
}

/** Adds `updates` `[n, …]` to the rows of `data` that `indices` `[n, 1]` name; repeated rows add up. */
export function scatterAddRows(data: Value, indices: Value, updates: Value): Value {
  return one('ScatterND', [data, indices, updates], sameType('ScatterND', [data, updates]), data.shape, {
    reduction: 'add',
  });
}

const reduction =
  (op: string) =>
  (x: Value, axes: readonly number[], { keepDims = false } = {}): Value =>
    one(op, [x, x.graph.integers(axes)], x.type, reduced(op, x.shape, axes, keepDims), { keepdims: Number(keepDims) });

export const reduceSum = reduction('ReduceSum');
export const reduceMean = reduction('ReduceMean');
export const reduceMax = reduction('ReduceMax');

export function where(condition: Value, yes: Value, no: Value): Value {
  const shape = broadcast('Where', condition.shape, broadcast('Where', yes.shape, no.shape));
  return condition.graph.emit('Where', [condition, yes, no], [{ type: sameType('Where', [yes, no]), shape }])[0]!;
}

/** `x` repeated to `shape`, whose sizes are all known. */
export function expand(x: Value, shape: readonly number[]): Value {
  return one('Expand', [x, x.graph.integers(shape)], x.type, broadcast('Expand', x.shape, shape));
}

/** The sizes of `x` as int64 `[rank]`. */
export const shapeOf = (x: Value) => one('Shape', [x], 'int64', [x.shape.length]);

/** Layer normalisation over the last axis (Ba et al. 2016, arXiv 1607.06450). */
export function layerNormalization(x: Value, scale: Value, bias: Value, epsilon: number): Value {
  const type = sameType('LayerNormalization', [x, scale, bias]);
  const rows = x.shape.with(-1, 1);
  return x.graph.emit(
    'LayerNormalization',
    [x, scale, bias],
    // Mean and inverse deviation come out as well: the gradient needs them, and computing them again costs more.
    [
      { type, shape: x.shape },
      { type: 'float32', shape: rows },
      { type: 'float32', shape: rows },
    ],
    { axis: -1, epsilon: { float: epsilon } },
  )[0]!;
}

/** The `k` largest along the last axis, largest first, with their indices (int64). */
export function topK(x: Value, k: number): { readonly values: Value; readonly indices: Value } {
  const shape = x.shape.with(-1, k);
  const last = x.shape.at(-1);
  if (typeof last === 'number' && k > last) throw new RangeError(`TopK: ${k} of ${showShape(x.shape)}`);
  const [values, indices] = x.graph.emit(
    'TopK',
    [x, x.graph.integers([k])],
    [
      { type: x.type, shape },
      { type: 'int64', shape },
    ],
    { axis: x.shape.length - 1, largest: 1, sorted: 1 },
  );
  return { values: values!, indices: indices! };
}

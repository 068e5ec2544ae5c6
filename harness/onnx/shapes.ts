import { type Dim, type Shape, showShape } from './builder.js';

/**
 * The shape that two shapes broadcast to, by NumPy's rules; dimensions known only by name must carry the same name.
 * @throws {RangeError} naming both shapes
 */
export function broadcast(op: string, a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis): Dim => {
    const left = a[axis - (rank - a.length)] ?? 1;
    const right = b[axis - (rank - b.length)] ?? 1;
    if (left === right || right === 1) return left;
    if (left === 1) return right;
    throw new RangeError(`${op}: ${showShape(a)} and ${showShape(b)} do not broadcast`);
  });
}

/** An axis counted from the front. @throws {RangeError} when the shape has no such axis */
export function axisOf(op: string, shape: Shape, axis: number): number {
  const positive = axis < 0 ? axis + shape.length : axis;
  if (positive < 0 || positive >= shape.length) throw new RangeError(`${op}: ${showShape(shape)} has no axis ${axis}`);
  return positive;
}

/**
 * The shape of a Reshape: 0 keeps the dimension at its place, one -1 takes what is left. What is left of named
 * dimensions is named after them.
 * @throws {RangeError} when the element counts cannot agree
 */
export function reshaped(from: Shape, target: readonly number[]): Shape {
  const fail = (): never => {
    throw new RangeError(`Reshape: ${showShape(from)} does not fit ${showShape(target)}`);
  };
  const kept = target.map((dim, axis): Dim => (dim === 0 ? (from[axis] ?? fail()) : dim));
  const left = [...from];
  for (const dim of kept) {
    const index = typeof dim === 'string' ? left.indexOf(dim) : -1;
    if (index >= 0) left.splice(index, 1);
  }
  const names = left.filter((dim) => typeof dim === 'string');
  const available = left.reduce<number>((product, dim) => (typeof dim === 'number' ? product * dim : product), 1);
  const asked = kept.reduce<number>(
    (product, dim) => (typeof dim === 'number' && dim > 0 ? product * dim : product),
    1,
  );
  const open = kept.indexOf(-1);
  if (open < 0) {
    if (names.length > 0 || asked !== available) fail();
    return kept;
  }
  if (available % asked !== 0) fail();
  const rest = available / asked;
  return kept.with(open, names.length === 0 ? rest : [...names, ...(rest === 1 ? [] : [rest])].join('*'));
}

/** The shape after a reduction over `axes`. */
export function reduced(op: string, shape: Shape, axes: readonly number[], keepDims: boolean): Shape {
  const gone = new Set(axes.map((axis) => axisOf(op, shape, axis)));
  return keepDims ? shape.map((dim, axis) => (gone.has(axis) ? 1 : dim)) : shape.filter((_, axis) => !gone.has(axis));
}

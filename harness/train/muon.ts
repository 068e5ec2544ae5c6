import type { Graph, Value } from '../onnx/builder.js';
import * as ops from '../onnx/ops.js';
import { stateNames } from './adam.js';

export interface MuonOptions {
  readonly momentum: number;
  /** Iterations towards an orthogonal step. */
  readonly iterations: number;
}

export const MUON: MuonOptions = { momentum: 0.95, iterations: 5 };

/** Of the quintic whose iteration drives all singular values near 1, fast rather than exactly (Jordan et al. 2024, Muon). */
const QUINTIC = [3.4445, -4.775, 2.0315] as const;
/** Root mean square of Adam's steps, which Muon's are given so that one rate serves both (arXiv 2502.16982). */
const STEP = 0.2;

/** A matrix `[rows, columns]` with the singular vectors of `x` and, roughly, all singular values 1. */
export function orthogonalised(x: Value, iterations: number): Value {
  const [rows, columns] = x.shape.map(Number) as [number, number];
  const wide = rows <= columns ? x : ops.transpose(x, [1, 0]);
  const norm = ops.sqrt(ops.reduceSum(ops.mul(wide, wide), [0, 1]));
  let turned = ops.div(wide, ops.addScalar(norm, 1e-12));
  const [linear, cubic, quintic] = QUINTIC;
  for (let done = 0; done < iterations; done++) {
    const square = ops.matmul(turned, ops.transpose(turned, [1, 0]));
    const factor = ops.add(ops.mulScalar(square, cubic), ops.mulScalar(ops.matmul(square, square), quintic));
    turned = ops.add(ops.mulScalar(turned, linear), ops.matmul(factor, turned));
  }
  return rows <= columns ? turned : ops.transpose(turned, [1, 0]);
}

/**
 * Adds one step of Muon (Jordan et al. 2024; scaled as in arXiv 2502.16982) for a matrix of which the gradient is at hand:
 * its weight and momentum are inputs, and the same after the step are outputs. `rate` is a float32 scalar input of the graph.
 */
export function muonUpdate(
  graph: Graph,
  parameter: Value,
  gradient: Value,
  rate: Value,
  { momentum, iterations }: MuonOptions = MUON,
): void {
  const names = stateNames(parameter.name);
  const first = graph.input(names.first, 'float32', parameter.shape);
  const fresh = ops.mulScalar(gradient, 1 - momentum);
  const nextFirst = ops.add(ops.mulScalar(first, momentum), fresh);
  const ahead = ops.add(ops.mulScalar(nextFirst, momentum), fresh);
  const size = STEP * Math.sqrt(Math.max(...parameter.shape.map(Number)));
  const step = ops.mulScalar(orthogonalised(ahead, iterations), size);
  graph.output(names.next(names.weight), ops.sub(parameter, ops.mul(step, rate)));
  graph.output(names.next(names.first), nextFirst);
}

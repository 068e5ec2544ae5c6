import { backward } from '../onnx/autodiff.js';
import type { Graph, Value } from '../onnx/builder.js';
import * as ops from '../onnx/ops.js';

export interface AdamOptions {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Gradients are scaled down to this norm, taken over all parameters, where they exceed it. */
  readonly clipNorm: number;
}

export const ADAM: AdamOptions = { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, clipNorm: 1 };

/** Names under which a training graph takes and gives a parameter's state. */
export const stateNames = (parameter: string) => ({
  weight: parameter,
  first: `${parameter}/first_moment`,
  second: `${parameter}/second_moment`,
  /** The same three as outputs, after the step. */
  next: (name: string) => `next/${name}`,
});

/** Gradients by one factor, that their norm over all of them is at most `limit`. */
export function clipped(graph: Graph, gradients: readonly Value[], limit: number): readonly Value[] {
  const squares = gradients.map((gradient) =>
    ops.reduceSum(
      ops.mul(gradient, gradient),
      gradient.shape.map((_, axis) => axis),
    ),
  );
  const norm = ops.sqrt(squares.reduce((sum, square) => ops.add(sum, square)));
  const most = graph.scalar(limit, 'float32');
  // limit / max(norm, limit): 1 below the limit, and no branch.
  const scale = ops.div(most, ops.where(ops.greater(norm, most), norm, most));
  return gradients.map((gradient) => ops.mul(gradient, scale));
}

/**
 * Adds one step of Adam (Kingma & Ba 2015, arXiv 1412.6980) that lowers `loss`: each parameter's weight and moments
 * are inputs, and the same after the step are outputs. `rate` is the learning rate with both bias corrections
 * already in it, a float32 scalar input of the graph, computed by `correctedRate`.
 */
export function adamStep(
  graph: Graph,
  loss: Value,
  parameters: readonly Value[],
  rate: Value,
  options: AdamOptions = ADAM,
): void {
  const gradients = clipped(graph, backward(loss, parameters), options.clipNorm);
  parameters.forEach((parameter, index) => {
    adamUpdate(graph, parameter, gradients[index]!, rate, options);
  });
}

/** The same for one parameter of which the gradient is at hand. */
export function adamUpdate(
  graph: Graph,
  parameter: Value,
  gradient: Value,
  rate: Value,
  options: AdamOptions = ADAM,
): void {
  const names = stateNames(parameter.name);
  const first = graph.input(names.first, 'float32', parameter.shape);
  const second = graph.input(names.second, 'float32', parameter.shape);
  const nextFirst = ops.add(ops.mulScalar(first, options.beta1), ops.mulScalar(gradient, 1 - options.beta1));
  const nextSecond = ops.add(
    ops.mulScalar(second, options.beta2),
    ops.mulScalar(ops.mul(gradient, gradient), 1 - options.beta2),
  );
  const step = ops.div(nextFirst, ops.addScalar(ops.sqrt(nextSecond), options.epsilon));
  graph.output(names.next(names.weight), ops.sub(parameter, ops.mul(step, rate)));
  graph.output(names.next(names.first), nextFirst);
  graph.output(names.next(names.second), nextSecond);
}

/** Learning rate times sqrt(1 - beta2^t) / (1 - beta1^t), for step `t` counted from 1. */
export function correctedRate(rate: number, t: number, options: AdamOptions = ADAM): number {
  return (rate * Math.sqrt(1 - options.beta2 ** t)) / (1 - options.beta1 ** t);
}

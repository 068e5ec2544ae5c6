import { elementCount, type Value } from './builder.js';
import { gradientRules } from './gradients.js';
import * as ops from './ops.js';

/**
 * Reverse-mode differentiation: adds to the loss's graph the nodes that compute d loss / d parameter.
 *
 * @param loss one number of a float type
 * @returns one gradient for each parameter, of its shape
 * @throws {RangeError} when the loss is not one number, does not depend on a parameter, or passes through an op
 *   without a gradient rule
 */
export function backward(loss: Value, parameters: readonly Value[]): readonly Value[] {
  if (elementCount(loss.shape) !== 1)
    throw new RangeError(`a loss is one number; ${loss.name} has ${elementCount(loss.shape)}`);
  const graph = loss.graph;
  const nodes = [...graph.emitted];
  const wanted = new Set(parameters.map((parameter) => parameter.name));
  // Only what lies between a parameter and the loss needs a gradient; masks and tables do not.
  for (const node of nodes) {
    if (node.inputs.some((input) => input && wanted.has(input.name)))
      for (const output of node.outputs) wanted.add(output.name);
  }
  const one = ops.expand(graph.scalar(1, loss.type), loss.shape.map(Number));
  const gradients = new Map<string, Value>([[loss.name, one]]);
  for (const node of nodes.reverse()) {
    const of = node.outputs.map((output) => gradients.get(output.name) ?? null);
    if (of.every((gradient) => gradient === null)) continue;
    if (!node.inputs.some((input) => input && wanted.has(input.name))) continue;
    const rule = gradientRules[node.op];
    if (!rule) throw new RangeError(`${node.op} has no gradient rule`);
    const passed = rule(node, of);
    node.inputs.forEach((input, index) => {
      const gradient = passed[index];
      if (!input || !gradient || !wanted.has(input.name)) return;
      const sum = gradients.get(input.name);
      gradients.set(input.name, sum ? ops.add(sum, gradient) : gradient);
    });
  }
  return parameters.map((parameter) => {
    const gradient = gradients.get(parameter.name);
    if (!gradient) throw new RangeError(`the loss does not depend on ${parameter.name}`);
    return gradient;
  });
}

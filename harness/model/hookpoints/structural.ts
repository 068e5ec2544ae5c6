import type { GraphIndex } from '../../onnx/graph.js';
import { type FoundLayer, type Surveyed, streamInputs } from './found.js';

const ATTENTION = /^Softmax$|Attention/;
const WEIGHT_PRODUCT = /^(MatMul|Gemm|FusedMatMul|MatMulNBits|MatMulInteger.*|DynamicQuantizeMatMul)$/;

/**
 * Layers by the structure of the graph alone: from the logits back along the residual stream, each addition to it has one
 * addend that all others are computed from, the stream before; the others are branches. A branch with a softmax is
 * attention, another is an MLP. Sequential and parallel residuals both read this way.
 * @returns `null` when the number of MLPs is not that of layers
 */
export function findByStructure(survey: Surveyed, layers: number): readonly FoundLayer[] | null {
  const { index } = survey;
  const found: FoundLayer[] = [];
  let tensor = lastAddition(survey, survey.logits);
  while (tensor !== null) {
    const addition = residualAddition(survey, tensor);
    if (addition === null) return null;
    const before = index.ancestors(addition.residual);
    for (const branch of addition.branches) {
      const upTo = index.ancestors(branch);
      const inside = index.nodes.filter(({ output }) => output.some((name) => upTo.has(name) && !before.has(name)));
      if (inside.some(({ opType }) => ATTENTION.test(opType))) continue;
      const mlpReads = firstProductInput(survey, new Set(inside.flatMap(({ output }) => output)));
      if (mlpReads === null) return null;
      found.unshift({ mlpReads, mlpWrites: branch, residual: tensor });
    }
    tensor = lastAddition(survey, addition.residual);
  }
  return found.length === layers ? found : null;
}

/** Addends of the stream; a bias is none, since it is added to a branch and not to the residual. */
function addends({ index, stream }: Surveyed, tensor: string): readonly string[] {
  const node = index.producer(tensor);
  if (node?.opType !== 'Add' && node?.opType !== 'Sum') return [];
  const inputs = streamInputs(node, stream);
  return inputs.length > 1 ? inputs : [];
}

/**
 * The addition to the residual stream that is nearest before `from`, itself included. Sums inside a branch, as in rotary
 * embeddings, lie behind one, so that they are never met first.
 */
function lastAddition(survey: Surveyed, from: string): string | null {
  const before = survey.index.ancestors(from);
  const sums = survey.index.nodes
    .flatMap(({ output }) => output)
    .filter((name) => before.has(name) && addends(survey, name).length > 0);
  return (
    sums.findLast((name) => {
      const behind = survey.index.ancestors(name);
      return sums.every((other) => behind.has(other));
    }) ?? null
  );
}

/** Takes sums apart until one addend is an ancestor of all others, then the others too: branches may be summed first. */
function residualAddition(
  survey: Surveyed,
  tensor: string,
): { readonly residual: string; readonly branches: readonly string[] } | null {
  let parts = [...addends(survey, tensor)];
  for (;;) {
    const behind = parts.map((part) => survey.index.ancestors(part));
    const residual = parts.find((part) => behind.every((names) => names.has(part)));
    if (residual !== undefined) {
      const others = parts.filter((part) => part !== residual);
      return { residual, branches: others.flatMap((other) => takenApart(survey, other)) };
    }
    const sum = parts.find((part) => addends(survey, part).length > 0);
    if (sum === undefined) return null;
    parts = [...parts.filter((part) => part !== sum), ...addends(survey, sum)];
  }
}

function takenApart(survey: Surveyed, tensor: string): readonly string[] {
  const parts = addends(survey, tensor);
  return parts.length === 0 ? [tensor] : parts.flatMap((part) => takenApart(survey, part));
}

/** What the branch's first products with weights read: one tensor, though a gated MLP has two such products. */
function firstProductInput({ index, stream }: Surveyed, inside: ReadonlySet<string>): string | null {
  const products = index.nodes.filter(
    ({ opType, output }) => WEIGHT_PRODUCT.test(opType) && output.some((name) => inside.has(name)),
  );
  const made = new Set(products.flatMap(({ output }) => output));
  const first = products
    .flatMap((product) => streamInputs(product, stream))
    .filter((data) => ![...index.ancestors(data)].some((name) => made.has(name)));
  const [name, ...others] = new Set(first.map((data) => beforeReshape(index, data)));
  return name === undefined || others.length > 0 ? null : name;
}

/** Exporters that flatten [batch, sequence] before a product still read the same tensor. */
function beforeReshape(index: GraphIndex, tensor: string): string {
  const node = index.producer(tensor);
  const data = node?.input[0];
  return node?.opType === 'Reshape' && data !== undefined ? beforeReshape(index, data) : tensor;
}

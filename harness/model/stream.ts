import type { GraphIndex } from '../onnx/graph.js';
import type { NodeProto } from '../onnx/proto/onnx_pb.js';

/** Sizes, not values: what only asks for a tensor's shape does not depend on what the tensor holds. */
export const readsShapeOnly = ({ opType, domain }: NodeProto): boolean =>
  domain === '' && (opType === 'Shape' || opType === 'Size');

/**
 * The token stream: every tensor whose values depend on which tokens were looked up. Masks, positions, rotary tables and
 * arithmetic on sizes are not part of it, and can be computed again wherever they are needed.
 *
 * It starts at the embedding lookups, a Gather of rows of a weight matrix by the ids; a graph without one has its
 * stream start at the ids themselves.
 */
export function tokenStream(index: GraphIndex, ids: string): ReadonlySet<string> {
  const values = (node: NodeProto) => !readsShapeOnly(node);
  const fromIds = index.descendants([ids], values);
  const lookups = index.nodes.filter(({ opType, input }) => {
    const [rows, indices] = input;
    const fromWeights = rows !== undefined && ![...index.ancestors(rows)].some((name) => index.inputs.has(name));
    return opType.startsWith('Gather') && fromWeights && indices !== undefined && fromIds.has(indices);
  });
  if (lookups.length === 0) return fromIds;
  return index.descendants(
    lookups.flatMap(({ output }) => output),
    values,
  );
}

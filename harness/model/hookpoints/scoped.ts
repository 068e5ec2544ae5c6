import type { NodeProto } from '../../onnx/proto/onnx_pb.js';
import type { Architecture } from '../architectures/index.js';
import { readsShapeOnly } from '../stream.js';
import { type FoundLayer, type Surveyed, streamInputs } from './found.js';

/**
 * Layers by the names that the exporter gave to nodes: the MLP reads the one stream tensor that enters its scope and
 * writes the one that leaves it, and the residual stream is the one that leaves the block.
 * @returns `null` when a layer has no such nodes, or when more than one tensor enters or leaves
 */
export function findByScope(survey: Surveyed, scopes: Architecture, layers: number): readonly FoundLayer[] | null {
  const found: FoundLayer[] = [];
  for (let layer = 0; layer < layers; layer++) {
    const within = (scope: string) => {
      const prefix = scope.replace('{layer}', String(layer));
      return ({ name }: NodeProto) => name.startsWith(prefix);
    };
    const mlpReads = only(entering(survey, within(scopes.mlp)));
    const mlpWrites = only(leaving(survey, within(scopes.mlp)));
    const residual = only(leaving(survey, within(scopes.block)));
    if (mlpReads === null || mlpWrites === null || residual === null) return null;
    found.push({ mlpReads, mlpWrites, residual });
  }
  return found;
}

function only(names: ReadonlySet<string>): string | null {
  const [name, ...others] = names;
  return name === undefined || others.length > 0 ? null : name;
}

function entering({ index, stream }: Surveyed, inside: (node: NodeProto) => boolean): ReadonlySet<string> {
  const nodes = index.nodes.filter((node) => inside(node) && !readsShapeOnly(node));
  const made = new Set(nodes.flatMap(({ output }) => output));
  return new Set(nodes.flatMap((node) => streamInputs(node, stream)).filter((name) => !made.has(name)));
}

/** Only what goes on to the logits leaves: keys and values for a cache do not count. */
function leaving({ index, stream, logits }: Surveyed, inside: (node: NodeProto) => boolean): ReadonlySet<string> {
  const needed = index.ancestors(logits);
  const outward = (name: string) =>
    index.consumers(name).some((node) => {
      return !inside(node) && !readsShapeOnly(node) && node.output.some((output) => needed.has(output));
    });
  const made = index.nodes.filter(inside).flatMap(({ output }) => output);
  return new Set(made.filter((name) => stream.has(name) && outward(name)));
}

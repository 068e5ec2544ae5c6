import type { GraphIndex } from '../../onnx/graph.js';
import type { NodeProto } from '../../onnx/proto/onnx_pb.js';

/** The tensors of one layer, as a finder gives them. */
export interface FoundLayer {
  /** The MLP's input after the norm. */
  readonly mlpReads: string;
  /** The MLP's output before it is added to the residual stream. */
  readonly mlpWrites: string;
  /** The residual stream after the block. */
  readonly residual: string;
}

/** A graph with its token stream, as finders look at it. */
export interface Surveyed {
  readonly index: GraphIndex;
  readonly stream: ReadonlySet<string>;
  readonly logits: string;
}

/** The tensors of the stream that a node reads, each once. */
export function streamInputs(node: NodeProto, stream: ReadonlySet<string>): readonly string[] {
  return [...new Set(node.input.filter((name) => stream.has(name)))];
}

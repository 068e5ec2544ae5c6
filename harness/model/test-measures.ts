import { create } from '@bufbuild/protobuf';
import { DATA_TYPE } from '../onnx/builder.js';
import { encodeModel } from '../onnx/codec.js';
import { node, valueInfo } from '../onnx/messages.js';
import { GraphProtoSchema, type ModelProto, ModelProtoSchema, NodeProtoSchema } from '../onnx/proto/onnx_pb.js';
import { float32, float32Data, type Value } from '../runtime/index.js';
import type { ComponentOutput } from '../tensor.js';
import { emptyCache, tokenFeeds } from './feeds.js';
import type { Model } from './open.js';

/** For tests: plain and slow measures that share nothing with the cut. */

/** The model with its tensor `writes` overwritten inside, by other means than a cut: writes = own * keep + edit. */
export async function editedLogits(
  model: Model,
  id: string,
  tokens: Int32Array,
  edit: ComponentOutput,
): Promise<Float32Array> {
  const { file, index, signature, sessions } = model.parts;
  const { writes } = model.hookpoint(id);
  const producer = index.producer(writes);
  const own = `${writes}/own`;
  const nodes = index.nodes.flatMap((each) => {
    if (each !== producer) return [each];
    const output = each.output.map((name) => (name === writes ? own : name));
    return [
      create(NodeProtoSchema, { ...each, output }),
      node('Mul', [own, 'keep'], ['kept']),
      node('Add', ['kept', 'edit'], [writes]),
    ];
  });
  const graph = create(GraphProtoSchema, {
    ...file.graph,
    node: nodes,
    input: [
      ...file.graph.input,
      valueInfo('keep', DATA_TYPE.float32, ['sequence', 1]),
      valueInfo('edit', DATA_TYPE.float32, ['sequence', model.width]),
    ],
  });
  const edited: ModelProto = create(ModelProtoSchema, { ...file.model, graph });
  const session = await model.parts.runtime.createSession(encodeModel(edited), sessions);
  const rows = edit.shape[0];
  const keep = new Float32Array(tokens.length).fill(1, 0, tokens.length - rows);
  const values = new Float32Array(tokens.length * model.width);
  values.set(edit.data, values.length - edit.data.length);
  const feeds: Record<string, Value> = {
    ...tokenFeeds(signature, session.inputs, [tokens]),
    ...emptyCache(signature, session.inputs, 1),
    keep: float32Data(keep, [tokens.length, 1]),
    edit: float32Data(values, [tokens.length, model.width]),
  };
  const results = await session.run(feeds, { [signature.logits]: 'data' });
  await session.dispose();
  return float32(results, signature.logits).data;
}

export const row = (logits: Float32Array, at: number, vocabulary: number): Float64Array =>
  Float64Array.from(logits.subarray(at * vocabulary, (at + 1) * vocabulary));

function logProbabilities(logits: Float64Array): Float64Array {
  const largest = Math.max(...logits);
  const total = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - largest), 0));
  return logits.map((logit) => logit - largest - total);
}

export const crossEntropy = (logits: Float64Array, target: number): number => -logProbabilities(logits)[target]!;

export function divergence(original: Float64Array, filled: Float64Array): number {
  const [p, q] = [logProbabilities(original), logProbabilities(filled)];
  return p.reduce((sum, log, token) => sum + Math.exp(log) * (log - q[token]!), 0);
}

export const argMax = (values: Float64Array): number => values.indexOf(Math.max(...values));

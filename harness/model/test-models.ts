import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Graph, type Value } from '../onnx/builder.js';
import { encodeModel } from '../onnx/codec.js';
import { node } from '../onnx/messages.js';
import * as ops from '../onnx/ops.js';
import type { ModelProto } from '../onnx/proto/onnx_pb.js';
import { seededRandom } from '../random.js';
import { type GptNeoxConfig, gptNeoxWithCache } from './architectures/gpt-neox-graph.js';
import type { NamedHookpoint } from './hookpoints/named.js';

/** Tiny seeded language models for tests, one for each way in which a decoder is commonly exported. */
export const SIZES: GptNeoxConfig = {
  vocab_size: 50,
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 3,
  num_attention_heads: 2,
  rotary_pct: 0.5,
  rotary_emb_base: 10000,
  layer_norm_eps: 1e-5,
};

function weights(graph: Graph) {
  return (name: string, shape: readonly number[]): Value => {
    const random = seededRandom(name);
    const size = shape.reduce((product, dim) => product * dim, 1);
    return graph.initializer(
      name,
      'float32',
      shape,
      Float32Array.from({ length: size }, () => random.normal() * 0.4),
    );
  };
}

/** x + attention(norm x) + mlp(norm x), with keys and values as inputs. */
export function parallelWithCache(sizes: GptNeoxConfig = SIZES): ModelProto {
  const graph = new Graph('parallel');
  gptNeoxWithCache(graph, sizes, weights(graph));
  return graph.build();
}

/**
 * Attention first, then a gated MLP on their sum, with learned positions. Sizes are asked of the embeddings, and of the
 * first layer's keys, as exporters do it, and not of the ids.
 */
export function sequential({ cache }: { readonly cache: boolean }): ModelProto {
  const graph = new Graph('sequential', 17);
  const weight = weights(graph);
  const { vocab_size: vocabulary, hidden_size: width, num_attention_heads: heads, num_hidden_layers: layers } = SIZES;
  const inner = SIZES.intermediate_size;
  const headWidth = width / heads;
  const all = cache ? 'past+sequence' : 'sequence';
  const ids = graph.input('input_ids', 'int64', ['batch', 'sequence']);
  const seen = graph.input('attention_mask', 'int64', ['batch', all]);
  const positions = cache ? graph.input('position_ids', 'int64', ['batch', 'sequence']) : null;
  const past = Array.from({ length: cache ? layers : 0 }, (_, layer) => {
    const shape = ['batch', heads, 'past', headWidth];
    return {
      key: graph.input(`past_key_values.${layer}.key`, 'float32', shape),
      value: graph.input(`past_key_values.${layer}.value`, 'float32', shape),
    };
  });
  const present: { key: Value; value: Value }[] = [];
  const integer = (value: number) => graph.scalar(value, 'int64');
  const range = (from: Value, to: Value, size: string): Value =>
    graph.emit('Range', [from, to, integer(1)], [{ type: 'int64', shape: [size] }])[0]!;

  const logits = graph.scope('model', () => {
    const embedded = graph.scope('embed_tokens', () => ops.gather(weight('embedding', [vocabulary, width]), ids));
    const fresh = ops.gather(ops.shapeOf(embedded), integer(1));
    const before = past[0] ? ops.gather(ops.shapeOf(past[0].key), integer(2)) : integer(0);
    const total = ops.add(before, fresh);
    const rows = range(before, total, 'sequence');
    const columns = range(integer(0), total, all);
    const visible = ops.and(
      ops.greaterOrEqual(ops.unsqueeze(rows, [1]), ops.unsqueeze(columns, [0])),
      ops.unsqueeze(ops.cast(seen, 'bool'), [1, 2]),
    );
    const mask = ops.where(visible, graph.scalar(0, 'float32'), graph.scalar(-1e9, 'float32'));
    const places = ops.gather(weight('positions', [512, width]), positions ?? rows);
    let stream = ops.add(embedded, places);
    const norm = (x: Value, name: string) =>
      ops.layerNormalization(x, weight(`${name}.weight`, [width]), weight(`${name}.bias`, [width]), 1e-5);
    for (let layer = 0; layer < layers; layer++) {
      stream = graph.scope(`layers.${layer}`, () => {
        const name = (part: string) => `${layer}.${part}`;
        const read = graph.scope('input_layernorm', () => norm(stream, name('input_layernorm')));
        const attended = graph.scope('self_attn', () => {
          const project = (part: string) =>
            ops.transpose(
              ops.reshape(ops.matmul(read, weight(name(part), [width, width])), [0, 0, heads, headWidth]),
              [0, 2, 1, 3],
            );
          const [query, ownKey, ownValue] = [project('q_proj'), project('k_proj'), project('v_proj')];
          const earlier = past[layer];
          const key = earlier ? ops.concat([earlier.key, ownKey], 2) : ownKey;
          const value = earlier ? ops.concat([earlier.value, ownValue], 2) : ownValue;
          present.push({ key, value });
          const scores = ops.mulScalar(ops.matmul(query, ops.transpose(key, [0, 1, 3, 2])), headWidth ** -0.5);
          const mixed = ops.matmul(ops.softmax(ops.add(scores, mask)), value);
          const joined = ops.reshape(ops.transpose(mixed, [0, 2, 1, 3]), [0, 0, width]);
          return ops.matmul(joined, weight(name('o_proj'), [width, width]));
        });
        const middle = ops.add(stream, attended);
        const forMlp = graph.scope('post_attention_layernorm', () => norm(middle, name('post_attention_layernorm')));
        const written = graph.scope('mlp', () => {
          const gate = ops.matmul(forMlp, weight(name('gate_proj'), [width, inner]));
          const up = ops.matmul(forMlp, weight(name('up_proj'), [width, inner]));
          return ops.matmul(ops.mul(ops.mul(gate, ops.sigmoid(gate)), up), weight(name('down_proj'), [inner, width]));
        });
        return ops.add(middle, written);
      });
    }
    const final = graph.scope('norm', () => norm(stream, 'norm'));
    return ops.matmul(final, weight('lm_head', [width, vocabulary]));
  });
  graph.output('logits', logits);
  if (cache) {
    present.forEach(({ key, value }, layer) => {
      graph.output(`present.${layer}.key`, key);
      graph.output(`present.${layer}.value`, value);
    });
  }
  return graph.build();
}

/** Takes the exporter's names off the nodes: only the structure is left to find hookpoints by. */
export function unnamed(model: ModelProto): ModelProto {
  model.graph?.node.forEach((node, index) => {
    node.name = `node_${index}`;
  });
  return model;
}

/** Folders of models in the usual layout, which `remove` takes away again. */
export function modelFolders(): {
  /** @param beside further files in the folder of the graph */
  write(name: string, modelType: string, model: ModelProto, beside?: Readonly<Record<string, Uint8Array>>): string;
  remove(): void;
} {
  const root = mkdtempSync(join(tmpdir(), 'models-'));
  return {
    write(name, modelType, model, beside = {}) {
      const folder = join(root, name);
      mkdirSync(join(folder, 'onnx'), { recursive: true });
      writeFileSync(join(folder, 'config.json'), JSON.stringify({ model_type: modelType, ...SIZES }));
      writeFileSync(join(folder, 'onnx', 'model.onnx'), encodeModel(model));
      for (const [file, bytes] of Object.entries(beside)) writeFileSync(join(folder, 'onnx', file), bytes);
      return folder;
    },
    remove: () => rmSync(root, { recursive: true }),
  };
}

/** A model that hears nothing of what its second MLP writes, and where that is. */
export function muted(): { readonly model: ModelProto; readonly hookpoint: NamedHookpoint } {
  const model = sequential({ cache: false });
  const writes = '/model/layers.1/mlp/MatMul_2_output_0';
  const nodes = model.graph?.node ?? [];
  const at = nodes.findIndex(({ name }) => name === '/model/layers.1/Add_1');
  // A tensor of the MLP's shape on the way to the logits, whose value counts for nothing.
  nodes[at]!.input[1] = 'muted';
  nodes.splice(at, 0, node('Sub', [writes, writes], ['muted'], {}, '/model/layers.1/mlp/Mute'));
  const reads = '/model/layers.1/post_attention_layernorm/LayerNormalization_output_0';
  return { model, hookpoint: { hookpoint: 'layers.1.mlp', reads, writes } };
}

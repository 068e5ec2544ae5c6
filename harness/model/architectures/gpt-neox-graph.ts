import type { Graph, Shape, Value } from '../../onnx/builder.js';
import * as ops from '../../onnx/ops.js';

/** The sizes of a GPT-NeoX model (Black et al. 2022, arXiv 2204.06745), named as its `config.json` names them. */
export interface GptNeoxConfig {
  readonly vocab_size: number;
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  /** Share of each head's width that is rotated. */
  readonly rotary_pct: number;
  readonly rotary_emb_base: number;
  readonly layer_norm_eps: number;
}

/** A weight by name. Linear weights are stored `[in, out]`, the transpose of the checkpoint's. */
export type WeightSource = (name: string, shape: readonly number[]) => Value;

/** Keys and values of earlier tokens, `[batch, head, past, head width]` each. */
export interface PastKeyValue {
  readonly key: Value;
  readonly value: Value;
}

export interface GptNeoxInputs {
  /** int64 `[batch, sequence]`. */
  readonly ids: Value;
  /** int64 `[batch, sequence]`. */
  readonly positions: Value;
  /** Added to attention scores, broadcast to `[batch, head, sequence, total]`: 0 where a token may look, else very negative. */
  readonly mask: Value;
  readonly past?: readonly PastKeyValue[];
}

export interface GptNeoxOutputs {
  /** `[batch, sequence, vocab]`. */
  readonly logits: Value;
  readonly present: readonly PastKeyValue[];
}

function linear(x: Value, weight: WeightSource, name: string, inputs: number, outputs: number): Value {
  const product = ops.matmul(x, weight(`${name}.weight`, [inputs, outputs]));
  return ops.add(product, weight(`${name}.bias`, [outputs]));
}

function norm(x: Value, weight: WeightSource, name: string, config: GptNeoxConfig): Value {
  const width = [config.hidden_size];
  return ops.layerNormalization(
    x,
    weight(`${name}.weight`, width),
    weight(`${name}.bias`, width),
    config.layer_norm_eps,
  );
}

/** cos and sin of position x frequency, `[batch, 1, sequence, rotated]` (Su et al. 2021, arXiv 2104.09864). */
function rotaryTables(positions: Value, config: GptNeoxConfig): { readonly cos: Value; readonly sin: Value } {
  const rotated = Math.floor((config.hidden_size / config.num_attention_heads) * config.rotary_pct);
  const frequencies = Array.from({ length: rotated / 2 }, (_, i) => config.rotary_emb_base ** ((-2 * i) / rotated));
  const inverse = positions.graph.constant('float32', [1, 1, 1, rotated / 2], frequencies);
  const angles = ops.mul(ops.cast(ops.unsqueeze(positions, [1, 3]), 'float32'), inverse);
  const both = ops.concat([angles, angles], -1);
  return { cos: ops.cos(both), sin: ops.sin(both) };
}

function rotate(x: Value, { cos, sin }: { readonly cos: Value; readonly sin: Value }): Value {
  const width = Number(x.shape.at(-1));
  const rotated = Number(cos.shape.at(-1));
  const turning = rotated === width ? x : ops.slice(x, -1, 0, rotated);
  const half = rotated / 2;
  const swapped = ops.concat([ops.neg(ops.slice(turning, -1, half, rotated)), ops.slice(turning, -1, 0, half)], -1);
  const turned = ops.add(ops.mul(turning, cos), ops.mul(swapped, sin));
  return rotated === width ? turned : ops.concat([turned, ops.slice(x, -1, rotated, width)], -1);
}

function attention(
  x: Value,
  weight: WeightSource,
  prefix: string,
  config: GptNeoxConfig,
  rotary: { readonly cos: Value; readonly sin: Value },
  mask: Value,
  past: PastKeyValue | undefined,
): { readonly output: Value; readonly present: PastKeyValue } {
  const heads = config.num_attention_heads;
  const width = config.hidden_size / heads;
  const scope = x.graph;
  const fused = scope.scope('query_key_value', () =>
    linear(x, weight, `${prefix}.query_key_value`, config.hidden_size, 3 * config.hidden_size),
  );
  const perHead = ops.transpose(ops.reshape(fused, [0, 0, heads, 3 * width]), [0, 2, 1, 3]);
  const [q, k, v] = [0, 1, 2].map((part) => ops.slice(perHead, -1, part * width, (part + 1) * width)) as [
    Value,
    Value,
    Value,
  ];
  const query = rotate(q, rotary);
  const newKey = rotate(k, rotary);
  const key = past ? ops.concat([past.key, newKey], 2) : newKey;
  const value = past ? ops.concat([past.value, v], 2) : v;
  const scores = ops.mulScalar(ops.matmul(query, ops.transpose(key, [0, 1, 3, 2])), 1 / Math.sqrt(width));
  const mixed = ops.matmul(ops.softmax(ops.add(scores, mask)), value);
  const joined = ops.reshape(ops.transpose(mixed, [0, 2, 1, 3]), [0, 0, config.hidden_size]);
  const output = scope.scope('dense', () =>
    linear(joined, weight, `${prefix}.dense`, config.hidden_size, config.hidden_size),
  );
  return { output, present: { key, value } };
}

/**
 * Writes the forward pass of a GPT-NeoX model with parallel residual: x + attn(ln1 x) + mlp(ln2 x).
 * The same code writes the model that is trained and the one that is saved with keys and values as inputs.
 */
export function gptNeox(config: GptNeoxConfig, weight: WeightSource, inputs: GptNeoxInputs): GptNeoxOutputs {
  const graph = inputs.ids.graph;
  const present: PastKeyValue[] = [];
  return graph.scope('gpt_neox', () => {
    const rotary = graph.scope('rotary_emb', () => rotaryTables(inputs.positions, config));
    let stream = graph.scope('embed_in', () =>
      ops.gather(weight('gpt_neox.embed_in.weight', [config.vocab_size, config.hidden_size]), inputs.ids),
    );
    for (let layer = 0; layer < config.num_hidden_layers; layer++) {
      const prefix = `gpt_neox.layers.${layer}`;
      stream = graph.scope(`layers.${layer}`, () => {
        const forAttention = graph.scope('input_layernorm', () =>
          norm(stream, weight, `${prefix}.input_layernorm`, config),
        );
        const attended = graph.scope('attention', () =>
          attention(forAttention, weight, `${prefix}.attention`, config, rotary, inputs.mask, inputs.past?.[layer]),
        );
        present.push(attended.present);
        const forMlp = graph.scope('post_attention_layernorm', () =>
          norm(stream, weight, `${prefix}.post_attention_layernorm`, config),
        );
        const mlp = graph.scope('mlp', () => {
          const inner = graph.scope('dense_h_to_4h', () =>
            linear(forMlp, weight, `${prefix}.mlp.dense_h_to_4h`, config.hidden_size, config.intermediate_size),
          );
          const active = graph.scope('act', () => ops.gelu(inner));
          return graph.scope('dense_4h_to_h', () =>
            linear(active, weight, `${prefix}.mlp.dense_4h_to_h`, config.intermediate_size, config.hidden_size),
          );
        });
        return ops.add(ops.add(mlp, attended.output), stream);
      });
    }
    const final = graph.scope('final_layer_norm', () => norm(stream, weight, 'gpt_neox.final_layer_norm', config));
    const logits = graph.scope('embed_out', () =>
      ops.matmul(final, weight('embed_out.weight', [config.hidden_size, config.vocab_size])),
    );
    return { logits, present };
  });
}

/** Very negative, yet finite: a row of nothing else must not become NaN. */
const BLOCKED = -3.4e38;

/** The causal mask of one whole row of `length` tokens, `[1, 1, length, length]`. */
export function causalMask(graph: Graph, length: number): Value {
  const data = Float32Array.from({ length: length * length }, (_, i) =>
    i % length <= Math.floor(i / length) ? 0 : BLOCKED,
  );
  return graph.initializer('causal_mask', 'float32', [1, 1, length, length], data);
}

/**
 * The mask when keys of `past` tokens come before `sequence` new ones and `attentionMask` `[batch, past+sequence]` marks
 * padding by 0: a token sees those before it and itself.
 */
function cachedMask(graph: Graph, ids: Value, attentionMask: Value, total: string): Value {
  return graph.scope('mask', () => {
    const length = (x: Value) => ops.gather(ops.shapeOf(x), graph.scalar(1, 'int64'));
    const [all, fresh] = [length(attentionMask), length(ids)];
    const range = (start: Value, end: Value, size: string) =>
      graph.emit('Range', [start, end, graph.scalar(1, 'int64')], [{ type: 'int64', shape: [size] }])[0]!;
    const columns = ops.unsqueeze(range(graph.scalar(0, 'int64'), all, total), [0]);
    const rows = ops.unsqueeze(range(ops.sub(all, fresh), all, 'sequence'), [1]);
    const causal = ops.greaterOrEqual(rows, columns);
    const present = ops.unsqueeze(ops.cast(attentionMask, 'bool'), [1, 2]);
    return ops.where(ops.and(causal, present), graph.scalar(0, 'float32'), graph.scalar(BLOCKED, 'float32'));
  });
}

/**
 * Adds the whole model to `graph` with the inputs and outputs that exporters give a decoder with a cache:
 * `input_ids`, `attention_mask`, `position_ids`, `past_key_values.N.key|value`; `logits`, `present.N.key|value`.
 */
export function gptNeoxWithCache(graph: Graph, config: GptNeoxConfig, weight: WeightSource): void {
  const total = 'past+sequence';
  const ids = graph.input('input_ids', 'int64', ['batch', 'sequence']);
  const attentionMask = graph.input('attention_mask', 'int64', ['batch', total]);
  const positions = graph.input('position_ids', 'int64', ['batch', 'sequence']);
  const heads = config.num_attention_heads;
  const cache: Shape = ['batch', heads, 'past', config.hidden_size / heads];
  const past = Array.from(
    { length: config.num_hidden_layers },
    (_, layer): PastKeyValue => ({
      key: graph.input(`past_key_values.${layer}.key`, 'float32', cache),
      value: graph.input(`past_key_values.${layer}.value`, 'float32', cache),
    }),
  );
  const mask = graph.scope('gpt_neox', () => cachedMask(graph, ids, attentionMask, total));
  const { logits, present } = gptNeox(config, weight, { ids, positions, mask, past });
  graph.output('logits', logits);
  present.forEach(({ key, value }, layer) => {
    graph.output(`present.${layer}.key`, key);
    graph.output(`present.${layer}.value`, value);
  });
}

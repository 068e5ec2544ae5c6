import { describe, expect, it } from 'vitest';
import { Graph } from '../../onnx/builder.js';
import { encodeModel } from '../../onnx/codec.js';
import { seededRandom } from '../../random.js';
import { float32, float32Data, int64Data, ortRuntime, type Value } from '../../runtime/index.js';
import { causalMask, type GptNeoxConfig, gptNeox, gptNeoxWithCache } from './gpt-neox-graph.js';

const runtime = ortRuntime();
const CONFIG: GptNeoxConfig = {
  vocab_size: 11,
  hidden_size: 16,
  intermediate_size: 12,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  rotary_pct: 0.5,
  rotary_emb_base: 100,
  layer_norm_eps: 1e-5,
};
const [WIDTH, HEADS, HEAD] = [16, 2, 8];
const TOKENS = [3, 1, 4, 1, 5, 9];

function weightData(name: string, shape: readonly number[]): Float32Array {
  const random = seededRandom(name);
  const size = shape.reduce((product, dim) => product * dim, 1);
  return Float32Array.from({ length: size }, () => 0.5 * random.normal());
}

type Row = readonly number[];
const linear = (x: Row, name: string, outputs: number, biased = true): number[] => {
  const weight = weightData(`${name}.weight`, [x.length, outputs]);
  const bias = biased ? weightData(`${name}.bias`, [outputs]) : new Float32Array(outputs);
  return Array.from(bias, (start, out) => x.reduce((sum, value, i) => sum + value * weight[i * outputs + out]!, start));
};
const normed = (x: Row, name: string): number[] => {
  const mean = x.reduce((a, b) => a + b) / x.length;
  const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length;
  const [weight, bias] = [weightData(`${name}.weight`, [x.length]), weightData(`${name}.bias`, [x.length])];
  return x.map((value, i) => ((value - mean) / Math.sqrt(variance + CONFIG.layer_norm_eps)) * weight[i]! + bias[i]!);
};
const gelu = (x: number): number => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
/** Of a head's eight values the first four turn, in the pairs (0, 2) by `position` and (1, 3) by a tenth of it. */
const turned = ([a, b, c, d, ...rest]: Row, position: number): number[] => {
  const turn = (x: number, y: number, angle: number) => [
    x * Math.cos(angle) - y * Math.sin(angle),
    y * Math.cos(angle) + x * Math.sin(angle),
  ];
  const [first, third] = turn(a!, c!, position);
  const [second, fourth] = turn(b!, d!, position / 10);
  return [first!, second!, third!, fourth!, ...rest];
};

/** The forward pass of GPT-NeoX in plain float64. */
function plainLogits(tokens: Row): number[][] {
  const embedding = weightData('gpt_neox.embed_in.weight', [CONFIG.vocab_size, WIDTH]);
  let stream: number[][] = tokens.map((token) => Array.from(embedding.subarray(token * WIDTH, (token + 1) * WIDTH)));
  for (let layer = 0; layer < CONFIG.num_hidden_layers; layer++) {
    const name = `gpt_neox.layers.${layer}`;
    const fused = stream.map((x) =>
      linear(normed(x, `${name}.input_layernorm`), `${name}.attention.query_key_value`, 3 * WIDTH),
    );
    stream = stream.map((x, position) => {
      const mixed = Array.from({ length: HEADS }, (_, head) => {
        const part = (at: number, which: number) =>
          fused[at]!.slice((3 * head + which) * HEAD, (3 * head + which + 1) * HEAD);
        const query = turned(part(position, 0), position);
        const scores = tokens.slice(0, position + 1).map((_token, at) => {
          const key = turned(part(at, 1), at);
          return Math.exp(query.reduce((sum, value, i) => sum + value * key[i]!, 0) / Math.sqrt(HEAD));
        });
        const total = scores.reduce((a, b) => a + b);
        return Array.from({ length: HEAD }, (__, i) =>
          scores.reduce((sum, score, at) => sum + (score / total) * part(at, 2)[i]!, 0),
        );
      }).flat();
      const attended = linear(mixed, `${name}.attention.dense`, WIDTH);
      const inner = linear(
        normed(x, `${name}.post_attention_layernorm`),
        `${name}.mlp.dense_h_to_4h`,
        CONFIG.intermediate_size,
      );
      const mlp = linear(inner.map(gelu), `${name}.mlp.dense_4h_to_h`, WIDTH);
      return x.map((value, i) => value + attended[i]! + mlp[i]!);
    });
  }
  return stream.map((x) => linear(normed(x, 'gpt_neox.final_layer_norm'), 'embed_out', CONFIG.vocab_size, false));
}

function expectClose(found: Float32Array, expected: Row): void {
  expect(found.length).toBe(expected.length);
  found.forEach((value, i) => {
    expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-4);
  });
}

describe('the graph of GPT-NeoX', () => {
  it('computes what plain float64 does', async () => {
    const graph = new Graph('whole');
    const length = TOKENS.length;
    const ids = graph.input('ids', 'int64', [1, length]);
    const positions = graph.constant('int64', [1, length], [...TOKENS.keys()]);
    const weight = (name: string, shape: readonly number[]) =>
      graph.initializer(name, 'float32', shape, weightData(name, shape));
    const { logits } = gptNeox(CONFIG, weight, { ids, positions, mask: causalMask(graph, length) });
    graph.output('logits', logits);
    const session = await runtime.createSession(encodeModel(graph.build()));
    const found = float32(await session.run({ ids: int64Data(TOKENS, [1, length]) }, { logits: 'data' }), 'logits');
    expectClose(found.data, plainLogits(TOKENS).flat());
    await session.dispose();
  });

  it('goes on from keys and values as it would have read the whole, whatever the pieces', async () => {
    const graph = new Graph('cached');
    gptNeoxWithCache(graph, CONFIG, (name, shape) =>
      graph.initializer(name, 'float32', shape, weightData(name, shape)),
    );
    const session = await runtime.createSession(encodeModel(graph.build()));
    const expected = plainLogits(TOKENS).flat();
    for (const pieces of [[6], [1, 5], [3, 1, 2], [1, 1, 1, 1, 1, 1]]) {
      const names = [0, 1].flatMap((layer) => [`${layer}.key`, `${layer}.value`]);
      let cache = new Map<string, Value>(
        names.map((name) => [name, float32Data(new Float32Array(0), [1, HEADS, 0, HEAD])]),
      );
      const logits: number[] = [];
      let read = 0;
      for (const piece of pieces) {
        const tokens = TOKENS.slice(read, read + piece);
        const feeds: Record<string, Value> = {
          input_ids: int64Data(tokens, [1, piece]),
          position_ids: int64Data(
            tokens.map((_, i) => read + i),
            [1, piece],
          ),
          attention_mask: int64Data(Array(read + piece).fill(1), [1, read + piece]),
        };
        for (const [name, value] of cache) feeds[`past_key_values.${name}`] = value;
        const fetch = Object.fromEntries(session.outputs.map((name) => [name, 'data' as const]));
        const results = await session.run(feeds, fetch);
        logits.push(...float32(results, 'logits').data);
        cache = new Map(names.map((name) => [name, float32(results, `present.${name}`)]));
        read += piece;
      }
      expectClose(Float32Array.from(logits), expected);
    }
    await session.dispose();
  });

  it('does not look at padding', async () => {
    const graph = new Graph('cached');
    gptNeoxWithCache(graph, CONFIG, (name, shape) =>
      graph.initializer(name, 'float32', shape, weightData(name, shape)),
    );
    const session = await runtime.createSession(encodeModel(graph.build()));
    const empty = float32Data(new Float32Array(0), [1, HEADS, 0, HEAD]);
    const past = Object.fromEntries(
      [0, 1].flatMap((layer) => ['key', 'value'].map((part) => [`past_key_values.${layer}.${part}`, empty])),
    );
    const padded = [7, 7, ...TOKENS];
    const feeds = {
      input_ids: int64Data(padded, [1, 8]),
      position_ids: int64Data([0, 0, ...TOKENS.keys()], [1, 8]),
      attention_mask: int64Data([0, 0, 1, 1, 1, 1, 1, 1], [1, 8]),
      ...past,
    };
    const { data } = float32(await session.run(feeds, { logits: 'data' }), 'logits');
    expectClose(data.slice(2 * CONFIG.vocab_size), plainLogits(TOKENS).flat());
    expect(data.every(Number.isFinite)).toBe(true);
    await session.dispose();
  });
});

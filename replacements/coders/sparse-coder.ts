import {
  type ComponentInput,
  type ComponentOutput,
  componentOutput,
  encodeModel,
  float32,
  float32Data,
  Graph,
  type GraphValue,
  type Hookpoint,
  int64,
  int64Data,
  type LatentActivations,
  ops,
  type Runtime,
  type Session,
  UsageError,
} from '../../harness/index.js';
import type { CoderSpec, CoderTensor } from './coder.js';
import { activationsFromRows } from './latent-rows.js';

/** A coder that has been loaded for one hookpoint. */
export interface SparseCoder {
  readonly spec: CoderSpec;
  /** The latents that fire at each position: `[position, model] -> [position, latent]`, sparse. */
  encode(input: ComponentInput): Promise<LatentActivations>;
  /**
   * Decoder, `b_dec` and skip path: activations may come from anywhere. One row of `input` for each of `latents`.
   * @throws {RangeError} when the numbers of rows differ
   */
  decode(latents: LatentActivations, input: ComponentInput): Promise<ComponentOutput>;
  /** Euclidean norm of each latent's decoder row. */
  decoderNorms(): Promise<Float32Array>;
  dispose(): Promise<void>;
}

function weight(graph: Graph, name: string, shape: readonly number[], tensor: CoderTensor): GraphValue {
  return tensor.at === 'file'
    ? graph.external(name, 'float32', shape, tensor)
    : graph.initializer(name, 'float32', shape, tensor.data);
}

/** x `[position, input]` -> the kept activations and their latents, `[position, k]` each; 0 where nothing fired. */
function encoderGraph(spec: CoderSpec): Graph {
  const graph = new Graph('encode');
  const { latents, inputWidth, sparsity } = spec;
  const x = graph.input('input', 'float32', ['position', inputWidth]);
  const centred = spec.subtractsDecoderBias
    ? ops.sub(x, weight(graph, 'decoder_bias', [inputWidth], spec.decoderBias))
    : x;
  const product = ops.gemm(centred, weight(graph, 'encoder', [latents, inputWidth], spec.encoder), { transB: true });
  const activations = ops.relu(ops.add(product, weight(graph, 'encoder_bias', [latents], spec.encoderBias)));
  switch (sparsity.kind) {
    case 'topk': {
      const { values, indices } = ops.topK(activations, sparsity.k);
      graph.output('values', values);
      graph.output('ids', indices);
      return graph;
    }
    case 'groupmax': {
      const size = latents / sparsity.k;
      const { values, indices } = ops.topK(ops.reshape(activations, [-1, sparsity.k, size]), 1);
      const starts = Array.from({ length: sparsity.k }, (_, group) => group * size);
      graph.output('values', ops.squeeze(values, [2]));
      graph.output('ids', ops.add(ops.squeeze(indices, [2]), graph.constant('int64', [sparsity.k], starts)));
      return graph;
    }
  }
}

/** values and ids `[position, slot]`, x `[position, input]` -> `[position, output]`. Unused slots hold the value 0. */
function decoderGraph(spec: CoderSpec): Graph {
  const graph = new Graph('decode');
  const { latents, inputWidth, outputWidth } = spec;
  const x = graph.input('input', 'float32', ['position', inputWidth]);
  const values = graph.input('values', 'float32', ['position', 'slot']);
  const ids = graph.input('ids', 'int64', ['position', 'slot']);
  const rows = ops.gather(weight(graph, 'decoder', [latents, outputWidth], spec.decoder), ids);
  const summed = ops.squeeze(ops.matmul(ops.unsqueeze(values, [1]), rows), [1]);
  const decoded = ops.add(summed, weight(graph, 'decoder_bias', [outputWidth], spec.decoderBias));
  const skip = spec.skip && ops.gemm(x, weight(graph, 'skip', [outputWidth, inputWidth], spec.skip), { transB: true });
  graph.output('output', skip ? ops.add(decoded, skip) : decoded);
  return graph;
}

function normGraph(spec: CoderSpec): Graph {
  const graph = new Graph('decoder_norms');
  const decoder = weight(graph, 'decoder', [spec.latents, spec.outputWidth], spec.decoder);
  graph.output('norms', ops.sqrt(ops.reduceSum(ops.mul(decoder, decoder), [1])));
  return graph;
}

function checkFits(spec: CoderSpec, hookpoint: Hookpoint): void {
  if (spec.kind === 'sae' && hookpoint.component === 'mlp') {
    throw new UsageError(
      'CODER_KIND',
      `The coder is an SAE, which reads what it writes; ${hookpoint.id} reads the MLP's input and writes its output.`,
      `Cut at the residual stream, layers.${hookpoint.layer}, with an SAE of it, or give a transcoder of ${hookpoint.id}.`,
    );
  }
  if (spec.hookpoint !== null && spec.hookpoint !== hookpoint.id) {
    throw new UsageError(
      'CODER_HOOKPOINT',
      `The coder was trained on ${spec.hookpoint}; the model is cut at ${hookpoint.id}.`,
      `Cut at ${spec.hookpoint}, or give a coder of ${hookpoint.id}.`,
    );
  }
  if (spec.inputWidth !== hookpoint.width || spec.outputWidth !== hookpoint.width) {
    throw new UsageError(
      'CODER_WIDTH',
      `The coder maps width ${spec.inputWidth} to ${spec.outputWidth}; ${hookpoint.id} has width ${hookpoint.width}.`,
      'Give a coder of this model and hookpoint.',
    );
  }
}

/**
 * Loads a coder for a hookpoint; float32 weights are mapped from its file, not copied.
 * @throws {UsageError} when the coder's hookpoint or widths are not the model's, or its kind is not the hookpoint's
 */
export async function openCoder(runtime: Runtime, spec: CoderSpec, hookpoint: Hookpoint): Promise<SparseCoder> {
  checkFits(spec, hookpoint);
  const weights = [spec.encoder, spec.encoderBias, spec.decoder, spec.decoderBias, spec.skip];
  const folder = weights.find((tensor) => tensor?.at === 'file')?.folder;
  const load = (graph: Graph): Promise<Session> =>
    runtime.createSession(encodeModel(graph.build()), folder === undefined ? {} : { externalFolder: folder });
  const [encoder, decoder] = [await load(encoderGraph(spec)), await load(decoderGraph(spec))];
  return {
    spec,
    async encode(input) {
      const [positions] = input.shape;
      const found = await encoder.run(
        { input: float32Data(input.data, [positions, spec.inputWidth]) },
        { values: 'data', ids: 'data' },
      );
      return activationsFromRows(float32(found, 'values').data, int64(found, 'ids').data, positions, spec.latents);
    },
    async decode(latents, input) {
      if (latents.positions !== input.shape[0]) {
        throw new RangeError(`${latents.positions} rows of latents beside ${input.shape[0]} of input`);
      }
      const { values, ids, slots } = padRows(latents);
      const dims = [latents.positions, slots];
      const found = await decoder.run(
        {
          input: float32Data(input.data, [latents.positions, spec.inputWidth]),
          values: float32Data(values, dims),
          ids: int64Data(ids, dims),
        },
        { output: 'data' },
      );
      return componentOutput(float32(found, 'output').data, latents.positions);
    },
    async decoderNorms() {
      const session = await load(normGraph(spec));
      try {
        return float32(await session.run({}, { norms: 'data' }), 'norms').data;
      } finally {
        await session.dispose();
      }
    },
    async dispose() {
      await encoder.dispose();
      await decoder.dispose();
    },
  };
}

/** Sparse rows as rectangles; a row's unused slots point at latent 0 with the value 0. */
function padRows({ positions, rows, ids, values }: LatentActivations) {
  let slots = 1;
  for (let row = 0; row < positions; row++) slots = Math.max(slots, rows[row + 1]! - rows[row]!);
  const padded = { values: new Float32Array(positions * slots), ids: new Uint32Array(positions * slots), slots };
  for (let row = 0; row < positions; row++) {
    padded.values.set(values.subarray(rows[row], rows[row + 1]), row * slots);
    padded.ids.set(ids.subarray(rows[row], rows[row + 1]), row * slots);
  }
  return padded;
}

import { Graph, type GraphValue, ops } from '../../harness/index.js';
import type { CoderMatrix, CoderSpec, CoderTensor } from './coder.js';

/** As many of a row's latents fire as do: pairs of row and latent. Otherwise a fixed number of slots a row. */
export function firesFreely({ sparsity }: CoderSpec): boolean {
  return sparsity.kind !== 'topk' && sparsity.kind !== 'groupmax';
}

function weight(graph: Graph, name: string, shape: readonly number[], tensor: CoderTensor): GraphValue {
  return tensor.at === 'file'
    ? graph.external(name, 'float32', shape, tensor)
    : graph.initializer(name, 'float32', shape, tensor.data);
}

/** A matrix as it lies: as its axes are named, or transposed. */
interface Laid {
  readonly value: GraphValue;
  readonly transposed: boolean;
}

/** A matrix whose axes are named `[rows, columns]`, in the orientation in which it lies. */
function matrix<Axis extends string>(
  graph: Graph,
  name: string,
  [rows, columns]: readonly [number, number],
  tensor: CoderMatrix<Axis>,
  rowAxis: Axis,
): Laid {
  const transposed = tensor.rows !== rowAxis;
  return { value: weight(graph, name, transposed ? [columns, rows] : [rows, columns], tensor), transposed };
}

const meanOf = (x: GraphValue): GraphValue => ops.reduceMean(x, [1], { keepDims: true });
const sumOfSquares = (x: GraphValue): GraphValue => ops.reduceSum(ops.mul(x, x), [1], { keepDims: true });

/** x `[position, width]`, as the encoder wants it, and the way back for what the decoder gives. */
function normalized({ normalization }: CoderSpec, x: GraphValue, width: number) {
  switch (normalization.kind) {
    case 'none':
      return { value: x, undo: (y: GraphValue) => y };
    case 'factor': {
      const { factor } = normalization;
      return { value: ops.mulScalar(x, factor), undo: (y: GraphValue) => ops.mulScalar(y, 1 / factor) };
    }
    case 'centre': {
      const mean = meanOf(x);
      return { value: ops.sub(x, mean), undo: (y: GraphValue) => ops.add(y, mean) };
    }
    case 'layer-norm': {
      const mean = meanOf(x);
      const centred = ops.sub(x, mean);
      const deviation = ops.sqrt(ops.mulScalar(sumOfSquares(centred), 1 / (width - 1)));
      return {
        value: ops.div(centred, ops.addScalar(deviation, 1e-5)),
        undo: (y: GraphValue) => ops.add(ops.mul(y, deviation), mean),
      };
    }
    case 'constant-norm': {
      const coefficient = ops.div(x.graph.scalar(Math.sqrt(width), 'float32'), ops.sqrt(sumOfSquares(x)));
      return {
        value: ops.mul(x, coefficient),
        undo: (y: GraphValue) => ops.div(y, coefficient),
      };
    }
  }
}

/** Euclidean norm of each latent's decoder row, `[latent]`. */
function rowNorms(decoder: Laid): GraphValue {
  return ops.sqrt(ops.reduceSum(ops.mul(decoder.value, decoder.value), [decoder.transposed ? 0 : 1]));
}

function decoderOf(graph: Graph, spec: CoderSpec): Laid {
  return matrix(graph, 'decoder', [spec.latents, spec.outputWidth], spec.decoder, 'latent');
}

/** 1 / norm, and 0 where the norm is 0: such a latent adds nothing. */
function inverse(norms: GraphValue): GraphValue {
  const { graph } = norms;
  const [zero, one] = [graph.scalar(0, 'float32'), graph.scalar(1, 'float32')];
  return ops.where(ops.greater(norms, zero), ops.div(one, norms), zero);
}

/**
 * x `[position, input]` -> the latents that fire. Where the number a position is fixed: `values` and `ids`
 * `[position, slot]`, 0 in unused slots. Where it is not: `values` `[fired]` and `places` `[fired, 2]`, position and latent,
 * in rising order.
 */
export function encoderGraph(spec: CoderSpec): Graph {
  const graph = new Graph('encode');
  const { latents, inputWidth, sparsity } = spec;
  const x = graph.input('input', 'float32', ['position', inputWidth]);
  const { value: scaled } = normalized(spec, x, inputWidth);
  const centred = spec.subtractsDecoderBias
    ? ops.sub(scaled, weight(graph, 'decoder_bias', [inputWidth], spec.decoderBias))
    : scaled;
  const encoder = matrix(graph, 'encoder', [latents, inputWidth], spec.encoder, 'latent');
  const product = ops.gemm(centred, encoder.value, { transB: !encoder.transposed });
  const bias = weight(graph, 'encoder_bias', [latents], spec.encoderBias);
  const inUnits = (pre: GraphValue) =>
    spec.scalesByDecoderNorm ? ops.mul(pre, rowNorms(decoderOf(graph, spec))) : pre;
  const zero = graph.scalar(0, 'float32');
  switch (sparsity.kind) {
    case 'topk': {
      const { values, indices } = ops.topK(ops.relu(inUnits(ops.add(product, bias))), sparsity.k);
      graph.output('values', values);
      graph.output('ids', indices);
      return graph;
    }
    case 'groupmax': {
      const size = latents / sparsity.k;
      const activations = ops.relu(inUnits(ops.add(product, bias)));
      const { values, indices } = ops.topK(ops.reshape(activations, [-1, sparsity.k, size]), 1);
      const starts = Array.from({ length: sparsity.k }, (_, group) => group * size);
      graph.output('values', ops.squeeze(values, [2]));
      graph.output('ids', ops.add(ops.squeeze(indices, [2]), graph.constant('int64', [sparsity.k], starts)));
      return graph;
    }
    case 'relu': {
      const pre = inUnits(ops.add(product, bias));
      return outputPlaces(pre, ops.greater(pre, zero));
    }
    case 'jumprelu': {
      const pre = inUnits(ops.add(product, bias));
      return outputPlaces(
        pre,
        ops.greater(pre, graph.initializer('threshold', 'float32', [latents], sparsity.threshold)),
      );
    }
    case 'gated': {
      const gate = ops.add(product, weight(graph, 'gate_bias', [latents], sparsity.gateBias));
      const scale = ops.exp(weight(graph, 'log_magnitude', [latents], sparsity.logMagnitude));
      const magnitude = inUnits(ops.add(ops.mul(product, scale), bias));
      return outputPlaces(magnitude, ops.and(ops.greater(gate, zero), ops.greater(magnitude, zero)));
    }
  }
}

/** Where `fires` is true, and the value of `x` there. The whole of `x`, nearly all zeros, never leaves the runtime. */
function outputPlaces(x: GraphValue, fires: GraphValue): Graph {
  const { graph } = x;
  const [found] = graph.emit('NonZero', [fires], [{ type: 'int64', shape: [2, 'fired'] }]);
  const places = ops.transpose(found!, [1, 0]);
  const [values] = graph.emit('GatherND', [x, places], [{ type: 'float32', shape: ['fired'] }]);
  graph.output('values', values!);
  graph.output('places', ops.cast(places, 'int32'));
  return graph;
}

/**
 * values and ids `[position, slot]`, x `[position, input]` -> `[position, output]`. Unused slots hold the value 0.
 */
export function decoderGraph(spec: CoderSpec): Graph {
  const graph = new Graph('decode');
  const { inputWidth, outputWidth } = spec;
  const x = graph.input('input', 'float32', ['position', inputWidth]);
  const values = graph.input('values', 'float32', ['position', 'slot']);
  const ids = graph.input('ids', 'int32', ['position', 'slot']);
  const decoder = decoderOf(graph, spec);
  const strength = effect(graph, spec, decoder);
  const effective = strength ? ops.mul(values, ops.gather(strength, ids)) : values;
  // Rows are gathered; a decoder that lies the other way is turned once, when the session is made.
  const rows = ops.gather(decoder.transposed ? ops.transpose(decoder.value, [1, 0]) : decoder.value, ids);
  const summed = ops.squeeze(ops.matmul(ops.unsqueeze(effective, [1]), rows), [1]);
  const decoded = ops.add(summed, weight(graph, 'decoder_bias', [outputWidth], spec.decoderBias));
  const restored = undoes(spec) ? normalized(spec, x, inputWidth).undo(decoded) : decoded;
  const skip = spec.skip && matrix(graph, 'skip', [outputWidth, inputWidth], spec.skip, 'output');
  const linear = skip && ops.gemm(x, skip.value, { transB: !skip.transposed });
  graph.output('output', linear ? ops.add(restored, linear) : restored);
  return graph;
}

/**
 * Whether the decoder's output is in the input's normalised units: an SAE's is, and where a factor is folded into weights it
 * is folded into both sides. Transcoders learn another tensor, whose scale the input's does not give.
 */
function undoes({ kind, normalization }: CoderSpec): boolean {
  return kind === 'sae' || normalization.kind === 'factor';
}

/** What each latent's decoder row is multiplied by, `[latent]`; `null` for 1. */
function effect(graph: Graph, spec: CoderSpec, decoder: Laid): GraphValue | null {
  const inUnits = spec.scalesByDecoderNorm ? inverse(rowNorms(decoder)) : null;
  const gain = spec.decoderGain && weight(graph, 'decoder_gain', [spec.latents], spec.decoderGain);
  return inUnits && gain ? ops.mul(inUnits, gain) : (inUnits ?? gain);
}

/** The norm of what one unit of each latent's activation adds, `[latent]`. */
export function normGraph(spec: CoderSpec): Graph {
  const graph = new Graph('decoder_norms');
  const decoder = decoderOf(graph, spec);
  const norms = rowNorms(decoder);
  const strength = effect(graph, spec, decoder);
  const scaled = strength ? ops.mul(norms, strength) : norms;
  const { normalization } = spec;
  graph.output('norms', normalization.kind === 'factor' ? ops.mulScalar(scaled, 1 / normalization.factor) : scaled);
  return graph;
}

/**
 * What one unit of each latent's activation adds, `[latent, output]`.
 * @param projection `[output, width]`; the rows are multiplied by it, where it is given
 */
export function directionsGraph(
  spec: CoderSpec,
  projection: { readonly width: number; readonly data: Float32Array } | null,
): Graph {
  const graph = new Graph('decoder_directions');
  const decoder = decoderOf(graph, spec);
  const rows = decoder.transposed ? ops.transpose(decoder.value, [1, 0]) : decoder.value;
  const strength = effect(graph, spec, decoder);
  const scaled = strength ? ops.mul(rows, ops.reshape(strength, [spec.latents, 1])) : rows;
  const { normalization } = spec;
  const whole = normalization.kind === 'factor' ? ops.mulScalar(scaled, 1 / normalization.factor) : scaled;
  const onto =
    projection && graph.initializer('projection', 'float32', [spec.outputWidth, projection.width], projection.data);
  graph.output('directions', onto ? ops.matmul(whole, onto) : whole);
  return graph;
}

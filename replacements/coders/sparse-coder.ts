import {
  type ComponentInput,
  type ComponentOutput,
  componentOutput,
  encodeModel,
  float32,
  float32Data,
  type Graph,
  type Hookpoint,
  int64,
  type LatentActivations,
  type Runtime,
  type Session,
  seededRandom,
} from '../../harness/index.js';
import type { CoderSpec } from './coder.js';
import { checkFits } from './fits.js';
import { decoderGraph, directionsGraph, encoderGraph, firesFreely, normGraph } from './graphs.js';
import { activationsFromPlaces, activationsFromRows, joinActivations } from './latent-rows.js';

/** What a coder encodes: what its component reads or, for an SAE of a component's output, what it writes. */
export type Encoded = ComponentInput | ComponentOutput;

/** A coder that has been loaded for one hookpoint. */
export interface SparseCoder {
  readonly spec: CoderSpec;
  /**
   * The latents that fire at each position: `[position, model] -> [position, latent]`, sparse.
   * @param x what `encodedBy` picks
   * @throws {RangeError} for the other side of the component
   */
  encode(x: Encoded): Promise<LatentActivations>;
  /**
   * Decoder, `b_dec` and skip path: activations may come from anywhere. One row of `x`, which `encode` read, for each of
   * `latents`: the skip path and the coder's normalisation need it.
   * @throws {RangeError} when the numbers of rows differ, or for the other side of the component
   */
  decode(latents: LatentActivations, x: Encoded): Promise<ComponentOutput>;
  /** Euclidean norm of what one unit of each latent's activation adds to the output. */
  decoderNorms(): Promise<Float32Array>;
  /**
   * What one unit of each latent's activation adds, `[latent, width]`. Where the output is wider than `most`, its rows are
   * projected at random onto that many directions, which keeps their products with each other up to noise.
   */
  decoderDirections(most: number): Promise<{ readonly width: number; readonly rows: Float32Array }>;
  dispose(): Promise<void>;
}

/** The side of a component that the coder encodes. */
export function encodedBy(
  { encodes }: Pick<CoderSpec, 'encodes'>,
  { input, output }: { readonly input: ComponentInput; readonly output: ComponentOutput },
): Encoded {
  return encodes === 'input' ? input : output;
}

/** Pre-activations at once, four bytes each: enough rows to keep the cores busy, few enough for memory. */
const ENCODED_AT_ONCE = 2 ** 23;
/** Decoder rows gathered at once, in values. */
const GATHERED_AT_ONCE = 2 ** 24;

/**
 * Loads a coder for a hookpoint; float32 weights are mapped from its file, not copied.
 * @throws {UsageError} when the coder's hookpoint or widths are not the model's, or its kind is not the hookpoint's
 */
export async function openCoder(runtime: Runtime, spec: CoderSpec, hookpoint: Hookpoint): Promise<SparseCoder> {
  checkFits(spec, hookpoint);
  const folder = weightsFolder(spec);
  const load = (graph: Graph): Promise<Session> =>
    runtime.createSession(encodeModel(graph.build()), folder === undefined ? {} : { externalFolder: folder });
  const [encoder, decoder] = [await load(encoderGraph(spec)), await load(decoderGraph(spec))];
  return {
    spec,
    async encode(x) {
      checkSide(spec, x);
      const [positions, width] = x.shape;
      const rows = Math.max(1, Math.floor(ENCODED_AT_ONCE / spec.latents));
      const parts: LatentActivations[] = [];
      for (let start = 0; start < positions; start += rows) {
        const count = Math.min(rows, positions - start);
        parts.push(await encodeRows(encoder, spec, x.data.subarray(start * width, (start + count) * width), count));
      }
      return parts.length === 1 ? parts[0]! : joinActivations(parts, spec.latents);
    },
    async decode(latents, x) {
      checkSide(spec, x);
      const [positions, width] = x.shape;
      if (latents.positions !== positions) {
        throw new RangeError(`${latents.positions} rows of latents beside ${positions} of input`);
      }
      const output = new Float32Array(positions * spec.outputWidth);
      for (let start = 0; start < positions; ) {
        const end = fittingRows(latents, start, GATHERED_AT_ONCE / spec.outputWidth);
        const { values, ids, slots } = padRows(latents, start, end);
        const dims = [end - start, slots];
        const found = await decoder.run(
          {
            input: float32Data(x.data.subarray(start * width, end * width), [end - start, width]),
            values: float32Data(values, dims),
            ids: { type: 'int32', dims, data: ids },
          },
          { output: 'data' },
        );
        output.set(float32(found, 'output').data, start * spec.outputWidth);
        start = end;
      }
      return componentOutput(output, positions);
    },
    async decoderNorms() {
      const session = await load(normGraph(spec));
      try {
        return float32(await session.run({}, { norms: 'data' }), 'norms').data;
      } finally {
        await session.dispose();
      }
    },
    async decoderDirections(most) {
      const width = Math.min(most, spec.outputWidth);
      const random = seededRandom('decoder directions');
      const data = () =>
        Float32Array.from({ length: spec.outputWidth * width }, () => random.normal() / Math.sqrt(width));
      const session = await load(directionsGraph(spec, width < spec.outputWidth ? { width, data: data() } : null));
      try {
        return { width, rows: float32(await session.run({}, { directions: 'data' }), 'directions').data };
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

/** Where the weights lie that stay in their file: one folder for all, since one file holds a coder. */
function weightsFolder(spec: CoderSpec): string | undefined {
  const gated = spec.sparsity.kind === 'gated' ? [spec.sparsity.gateBias, spec.sparsity.logMagnitude] : [];
  const weights = [spec.encoder, spec.encoderBias, spec.decoder, spec.decoderBias, spec.skip, spec.decoderGain];
  return [...weights, ...gated].find((tensor) => tensor?.at === 'file')?.folder;
}

function checkSide({ encodes }: CoderSpec, { site }: Encoded): void {
  if ((encodes === 'input') !== (site === 'reads')) {
    throw new RangeError(`the coder encodes a component's ${encodes}, and is given what it ${site}`);
  }
}

async function encodeRows(
  encoder: Session,
  spec: CoderSpec,
  data: Float32Array,
  positions: number,
): Promise<LatentActivations> {
  const input = float32Data(data, [positions, spec.inputWidth]);
  if (!firesFreely(spec)) {
    const found = await encoder.run({ input }, { values: 'data', ids: 'data' });
    return activationsFromRows(float32(found, 'values').data, int64(found, 'ids').data, positions, spec.latents);
  }
  const found = await encoder.run({ input }, { values: 'data', places: 'data' });
  const { places } = found;
  if (places?.type !== 'int32') throw new TypeError('places are no int32');
  return activationsFromPlaces(float32(found, 'values').data, places.data, positions, spec.latents);
}

/** The end of the longest stretch of rows from `start` whose rectangle has at most `slots` slots; at least one row. */
function fittingRows({ positions, rows }: LatentActivations, start: number, slots: number): number {
  let longest = 1;
  for (let row = start; row < positions; row++) {
    longest = Math.max(longest, rows[row + 1]! - rows[row]!);
    if (row > start && longest * (row + 1 - start) > slots) return row;
  }
  return positions;
}

/** Sparse rows from `start` to `end` as rectangles; a row's unused slots point at latent 0 with the value 0. */
function padRows({ rows, ids, values }: LatentActivations, start: number, end: number) {
  let slots = 1;
  for (let row = start; row < end; row++) slots = Math.max(slots, rows[row + 1]! - rows[row]!);
  const size = (end - start) * slots;
  const padded = { values: new Float32Array(size), ids: new Int32Array(size), slots };
  for (let row = start; row < end; row++) {
    padded.values.set(values.subarray(rows[row], rows[row + 1]), (row - start) * slots);
    padded.ids.set(ids.subarray(rows[row], rows[row + 1]), (row - start) * slots);
  }
  return padded;
}

import { readFileSync, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, normalize, sep } from 'node:path';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { UsageError } from '../errors.js';
import { topologicalOrder } from './graph.js';
import {
  TensorProto_DataLocation as DataLocation,
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProtoSchema,
} from './proto/onnx_pb.js';

/** A decoded `.onnx` file. Weights are views into `bytes`, so neither may be changed. */
export interface ModelFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly model: ModelProto;
  readonly graph: GraphProto;
}

/** Bits of one element by ONNX element type number; what is absent here (strings, complex numbers) is no weight. */
// biome-ignore format: a table
const BITS: Readonly<Record<number, number>> = {
  1: 32, 2: 8, 3: 8, 4: 16, 5: 16, 6: 32, 7: 64, 9: 8, 10: 16, 11: 64, 12: 32, 13: 64, 16: 16,
  17: 8, 18: 8, 19: 8, 20: 8, 21: 4, 22: 4, 23: 4,
};

/** Initializers below this many bytes stay embedded: shape constants must be readable while a graph is optimised. */
const SMALL = 1024;

/**
 * Reads and checks a model: initializers have the bytes that their shape says, external data lies inside its file and
 * under the model's folder, every tensor is made once, and none from itself.
 * @throws {UsageError} `MODEL_NOT_FOUND`, `MODEL_UNREADABLE`, `MODEL_INVALID`, `TENSOR_SIZE`, `EXTERNAL_DATA`
 */
export function readModel(path: string): ModelFile {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw new UsageError('MODEL_NOT_FOUND', `No model can be read at ${path}.`, 'Give the path of an .onnx file.', {
      cause,
    });
  }
  return decodeModel(bytes, path);
}

/** As `readModel`, from bytes; `path` is where they came from, since external data lies beside it. */
export function decodeModel(bytes: Uint8Array, path: string): ModelFile {
  let model: ModelProto;
  try {
    model = fromBinary(ModelProtoSchema, bytes);
  } catch (cause) {
    throw new UsageError(
      'MODEL_UNREADABLE',
      `${path} is no whole ONNX file (${bytes.byteLength} bytes; ${cause instanceof Error ? cause.message : String(cause)}).`,
      'It may be cut short or be a pointer to large-file storage: fetch it again.',
      { cause },
    );
  }
  const { graph } = model;
  if (graph === undefined || model.opsetImport.length === 0) {
    throw new UsageError(
      'MODEL_INVALID',
      `${path} holds ${graph === undefined ? 'no graph' : 'a graph but no operator-set version'}.`,
      'It may be cut short: export or fetch the model again.',
    );
  }
  for (const tensor of graph.initializer) checkTensor(tensor, path);
  topologicalOrder(graph, path);
  return { path, bytes, model, graph };
}

export function encodeModel(model: ModelProto): Uint8Array {
  return toBinary(ModelProtoSchema, model);
}

/**
 * A tensor whose bytes are those inside `file`, by offset, so that a graph made from it carries no weight; small
 * tensors are returned as they are. The session that loads it needs the folder of `file.path` as its external folder.
 */
export function referTo(file: ModelFile, tensor: TensorProto): TensorProto {
  const { rawData } = tensor;
  const embedded = tensor.dataLocation !== DataLocation.EXTERNAL;
  if (!embedded || rawData.byteLength < SMALL || rawData.buffer !== file.bytes.buffer) return tensor;
  const entry = (key: string, value: string | number) =>
    create(StringStringEntryProtoSchema, { key, value: String(value) });
  const reference = Object.assign(create(TensorProtoSchema), tensor, {
    dataLocation: DataLocation.EXTERNAL,
    externalData: [
      entry('location', basename(file.path)),
      entry('offset', rawData.byteOffset - file.bytes.byteOffset),
      entry('length', rawData.byteLength),
    ],
  });
  // An own property counts as a set field, so it is taken off the copy rather than emptied.
  Reflect.deleteProperty(reference, 'rawData');
  return reference;
}

function checkTensor(tensor: TensorProto, path: string): void {
  const invalid = (what: string) =>
    new UsageError(
      'TENSOR_SIZE',
      `${path}: initializer ${tensor.name} of shape [${tensor.dims.join(', ')}] ${what}.`,
      'The file lies or is damaged: export or fetch the model again.',
    );
  const bits = BITS[tensor.dataType];
  if (tensor.dims.some((size) => size < 0n)) throw invalid('has a negative size');
  const elements = tensor.dims.reduce((product, size) => product * size, 1n);
  if (bits === undefined) return; // the runtime knows or refuses it; nothing here reads its bytes
  const expected = Number((elements * BigInt(bits) + 7n) / 8n);
  if (tensor.dataLocation === DataLocation.EXTERNAL) {
    checkExternal(tensor, expected, path);
  } else if (Object.hasOwn(tensor, 'rawData')) {
    const found = tensor.rawData.byteLength;
    if (found !== expected) throw invalid(`needs ${expected} bytes and holds ${found}`);
  } else {
    const found =
      tensor.floatData.length +
      tensor.int32Data.length +
      tensor.int64Data.length +
      tensor.doubleData.length +
      tensor.uint64Data.length;
    if (bits >= 8 && BigInt(found) !== elements) throw invalid(`needs ${elements} values and holds ${found}`);
  }
}

function checkExternal(tensor: TensorProto, expected: number, path: string): void {
  const entries = new Map(tensor.externalData.map(({ key, value }) => [key, value]));
  const location = entries.get('location') ?? '';
  const refuse = (what: string) =>
    new UsageError(
      'EXTERNAL_DATA',
      `${path}: initializer ${tensor.name} ${what}.`,
      'External weights must lie in a file under the folder of the model: export or fetch the model again.',
    );
  const local = normalize(location);
  if (location === '' || isAbsolute(location) || local === '..' || local.startsWith(`..${sep}`)) {
    throw refuse(`points at "${location}", outside the folder of the model`);
  }
  const size = statSync(join(dirname(path), local), { throwIfNoEntry: false })?.size;
  if (size === undefined) throw refuse(`points at ${location}, which is not there`);
  const offset = Number(entries.get('offset') ?? 0);
  const length = Number(entries.get('length') ?? expected);
  if (length !== expected) throw refuse(`needs ${expected} bytes and points at ${length}`);
  if (!(offset >= 0 && offset + length <= size)) {
    throw refuse(`points at bytes ${offset} to ${offset + length} of ${location}, which has ${size}`);
  }
}

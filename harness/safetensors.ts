import { type FileHandle, open } from 'node:fs/promises';
import { z } from 'zod';
import { UsageError } from './errors.js';

const typeSchema = z.enum([
  ...['F64', 'F32', 'F16', 'BF16', 'F8_E5M2', 'F8_E4M3'],
  ...['I64', 'I32', 'I16', 'I8', 'U64', 'U32', 'U16', 'U8', 'BOOL'],
] as const);
type SafetensorsType = z.infer<typeof typeSchema>;

/** Bytes of one value. */
const BYTES: Readonly<Record<SafetensorsType, number>> = {
  ...{ F64: 8, F32: 4, F16: 2, BF16: 2, F8_E5M2: 1, F8_E4M3: 1 },
  ...{ I64: 8, I32: 4, I16: 2, I8: 1, U64: 8, U32: 4, U16: 2, U8: 1, BOOL: 1 },
};

const wholeNumber = z.number().int().nonnegative();
const entrySchema = z.strictObject({
  dtype: z.string(),
  shape: z.array(wholeNumber),
  data_offsets: z.tuple([wholeNumber, wholeNumber]),
});

/** Headers beyond this are refused by every reader of the format. */
const LARGEST_HEADER = 100_000_000;
/** The header's own length, a little-endian uint64, comes first. */
const LENGTH_BYTES = 8;

/** One tensor of a file: where its bytes lie, and its values when asked for. */
export interface StoredTensor {
  readonly name: string;
  readonly type: SafetensorsType;
  readonly shape: readonly number[];
  /** Bytes from the start of the file. */
  readonly offset: number;
  readonly length: number;
}

export interface SafetensorsFile {
  readonly path: string;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /**
   * Values as float32: half and bfloat16 widened exactly, float64 rounded.
   * @throws {UsageError} for types that are not floats, and when the file has shrunk since it was opened
   */
  read(tensor: StoredTensor): Promise<Float32Array>;
}

function damaged(path: string, what: string): UsageError {
  return new UsageError(
    'DAMAGED_SAFETENSORS',
    `${path}: ${what}.`,
    'Fetch the file again; it is not a whole safetensors file.',
  );
}

/** Names come from the file and go into one line of an error. */
const quoted = (name: string): string => JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name);

function parseEntry(path: string, name: string, value: unknown, dataStart: number, fileSize: number): StoredTensor {
  const entry = entrySchema.safeParse(value);
  if (!entry.success) throw damaged(path, `the header's entry for ${quoted(name)} is not a tensor's`);
  const { dtype, shape, data_offsets } = entry.data;
  const type = typeSchema.safeParse(dtype);
  if (!type.success) throw damaged(path, `${quoted(name)} is of the unknown type ${quoted(dtype)}`);
  const [start, end] = data_offsets;
  const length = shape.reduce((product, dim) => product * dim, BYTES[type.data]);
  if (end - start !== length) {
    throw damaged(path, `${quoted(name)} is ${dtype} [${shape}], ${length} bytes, but ${end - start} are given`);
  }
  if (dataStart + end > fileSize) {
    throw damaged(path, `${quoted(name)} ends at byte ${dataStart + end} of ${fileSize}`);
  }
  return { name, type: type.data, shape, offset: dataStart + start, length };
}

function parseHeader(path: string, bytes: Uint8Array, dataStart: number, fileSize: number): Map<string, StoredTensor> {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw damaged(path, 'the header is not JSON');
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw damaged(path, 'the header is not an object');
  }
  const tensors = new Map<string, StoredTensor>();
  for (const [name, value] of Object.entries(json)) {
    if (name !== '__metadata__') tensors.set(name, parseEntry(path, name, value, dataStart, fileSize));
  }
  checkTiling(path, [...tensors.values()], dataStart, fileSize);
  return tensors;
}

/** The format allows neither overlaps nor holes: either means that header and data are not of one file. */
function checkTiling(path: string, tensors: readonly StoredTensor[], dataStart: number, fileSize: number): void {
  // Of two that start together the empty one comes first.
  const inOrder = tensors.toSorted((a, b) => a.offset - b.offset || a.length - b.length);
  let end = dataStart;
  let previous = '';
  for (const { name, offset, length } of inOrder) {
    if (offset < end) throw damaged(path, `${previous} and ${quoted(name)} overlap at byte ${offset}`);
    if (offset > end) throw damaged(path, `bytes ${end} to ${offset}, before ${quoted(name)}, belong to no tensor`);
    end = offset + length;
    previous = quoted(name);
  }
  if (end < fileSize) throw damaged(path, `bytes ${end} to ${fileSize}, at its end, belong to no tensor`);
}

/** IEEE half precision to a number, exactly. */
function widenHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function toFloat32(path: string, { name, type }: StoredTensor, bytes: Uint8Array<ArrayBuffer>): Float32Array {
  const view = new DataView(bytes.buffer);
  const count = bytes.byteLength / BYTES[type];
  const each = (value: (index: number) => number) => Float32Array.from({ length: count }, (_, index) => value(index));
  switch (type) {
    case 'F32':
      return new Float32Array(bytes.buffer);
    case 'F64':
      return each((i) => view.getFloat64(8 * i, true));
    case 'F16':
      return each((i) => widenHalf(view.getUint16(2 * i, true)));
    case 'BF16':
      return new Float32Array(Uint32Array.from({ length: count }, (_, i) => view.getUint16(2 * i, true) << 16).buffer);
    default:
      throw new UsageError(
        'NOT_FLOATS',
        `${path}: ${quoted(name)} is ${type}, not floats.`,
        'Give a file with F32, F16, BF16 or F64 weights.',
      );
  }
}

/** `length` bytes from `offset`; `null` where the file ends before. */
async function readBytes(file: FileHandle, offset: number, length: number): Promise<Uint8Array<ArrayBuffer> | null> {
  const bytes = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, offset + filled);
    if (bytesRead === 0) return null;
    filled += bytesRead;
  }
  return bytes;
}

async function withFile<T>(path: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path).catch((cause: unknown) => {
    const next = 'Give the path of a safetensors file.';
    throw new UsageError('NO_SAFETENSORS', `${path} cannot be read.`, next, { cause });
  });
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

/**
 * Reads a safetensors header strictly: every tensor inside the file, sizes as stated, no overlaps and no holes.
 * `__metadata__` is passed over.
 * @throws {UsageError} for a file that is missing, truncated or lies about its contents
 * @see https://github.com/huggingface/safetensors#format
 */
export function openSafetensors(path: string): Promise<SafetensorsFile> {
  return withFile(path, async (file) => {
    const stat = await file.stat();
    if (!stat.isFile()) throw damaged(path, 'it is no file');
    const lengthBytes = await readBytes(file, 0, LENGTH_BYTES);
    if (lengthBytes === null) throw damaged(path, `${stat.size} bytes are too few for a header`);
    const headerLength = Number(new DataView(lengthBytes.buffer).getBigUint64(0, true));
    const dataStart = LENGTH_BYTES + headerLength;
    if (headerLength > LARGEST_HEADER || dataStart > stat.size) {
      throw damaged(path, `a header of ${headerLength} bytes is stated in a file of ${stat.size}`);
    }
    const header = await readBytes(file, LENGTH_BYTES, headerLength);
    if (header === null) throw damaged(path, 'it shrank while it was read');
    const tensors = parseHeader(path, header, dataStart, stat.size);
    return {
      path,
      tensors,
      read: (tensor) =>
        withFile(path, async (again) => {
          const bytes = await readBytes(again, tensor.offset, tensor.length);
          if (bytes === null) throw damaged(path, `${quoted(tensor.name)} ends beyond the end of the file`);
          return toFloat32(path, tensor, bytes);
        }),
    };
  });
}

/**
 * Encodes float32 tensors in the given order. Data starts at a multiple of 8 bytes, as the format asks.
 * @throws {RangeError} when a tensor's values do not fill its shape
 */
export function encodeSafetensors(
  tensors: readonly { readonly name: string; readonly shape: readonly number[]; readonly data: Float32Array }[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  let end = 0;
  const entries = tensors.map(({ name, shape, data }) => {
    if (shape.reduce((product, dim) => product * dim, 1) !== data.length) {
      throw new RangeError(`${name}: ${data.length} values do not fill [${shape}]`);
    }
    const start = end;
    end += data.byteLength;
    return [name, { dtype: 'F32', shape, data_offsets: [start, end] }];
  });
  const json = JSON.stringify({
    ...(Object.keys(metadata).length > 0 && { __metadata__: metadata }),
    ...Object.fromEntries(entries),
  });
  const text = Buffer.from(json);
  const dataStart = Math.ceil((LENGTH_BYTES + text.length) / 8) * 8;
  const bytes = new Uint8Array(dataStart + end).fill(0x20, LENGTH_BYTES, dataStart); // the format pads with spaces
  new DataView(bytes.buffer).setBigUint64(0, BigInt(dataStart - LENGTH_BYTES), true);
  bytes.set(text, LENGTH_BYTES);
  let offset = dataStart;
  for (const { data } of tensors) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
    offset += data.byteLength;
  }
  return bytes;
}

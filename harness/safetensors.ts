import { open } from 'node:fs/promises';
import { z } from 'zod';
import { UsageError } from './errors.js';

const BYTES = { F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, I32: 4, I16: 2, I8: 1, U8: 1, BOOL: 1 } as const;
type SafetensorsType = keyof typeof BYTES;

const entrySchema = z.strictObject({
  dtype: z.enum(Object.keys(BYTES) as [SafetensorsType, ...SafetensorsType[]]),
  shape: z.array(z.number().int().nonnegative()),
  data_offsets: z.tuple([z.number().int().nonnegative(), z.number().int().nonnegative()]),
});
const headerSchema = z.record(z.string(), z.unknown());

/** Headers beyond this are refused by every reader of the format. */
const LARGEST_HEADER = 100_000_000;

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
  /** Values as float32; half and bfloat16 are widened exactly. @throws {UsageError} for types that are not floats */
  read(tensor: StoredTensor): Promise<Float32Array>;
}

function damaged(path: string, what: string): UsageError {
  return new UsageError(
    'DAMAGED_SAFETENSORS',
    `${path}: ${what}.`,
    'Fetch the file again; it is not a whole safetensors file.',
  );
}

function parseHeader(path: string, text: string, dataStart: number, fileSize: number): Map<string, StoredTensor> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw damaged(path, 'the header is not JSON');
  }
  const header = headerSchema.safeParse(json);
  if (!header.success) throw damaged(path, 'the header is not an object');
  const tensors = new Map<string, StoredTensor>();
  for (const [name, value] of Object.entries(header.data)) {
    if (name === '__metadata__') continue;
    const entry = entrySchema.safeParse(value);
    if (!entry.success) throw damaged(path, `the header's entry for ${name} is not a tensor of a known type`);
    const { dtype, shape, data_offsets } = entry.data;
    const [start, end] = data_offsets;
    const length = shape.reduce((product, dim) => product * dim, BYTES[dtype]);
    if (end - start !== length)
      throw damaged(path, `${name} is ${dtype} [${shape}], ${length} bytes, but ${end - start} are given`);
    if (dataStart + end > fileSize) throw damaged(path, `${name} ends at byte ${dataStart + end} of ${fileSize}`);
    tensors.set(name, { name, type: dtype, shape, offset: dataStart + start, length });
  }
  const inOrder = [...tensors.values()].sort((a, b) => a.offset - b.offset);
  inOrder.forEach((tensor, i) => {
    const previous = inOrder[i - 1];
    if (previous && previous.offset + previous.length > tensor.offset) {
      throw damaged(path, `${previous.name} and ${tensor.name} overlap`);
    }
  });
  return tensors;
}

/** IEEE half precision to float32, exactly. */
function widenHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function toFloat32(path: string, tensor: StoredTensor, bytes: Uint8Array): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = bytes.byteLength / BYTES[tensor.type];
  const each = (value: (index: number) => number) => Float32Array.from({ length: count }, (_, index) => value(index));
  switch (tensor.type) {
    case 'F32':
      return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer);
    case 'F64':
      return each((i) => view.getFloat64(8 * i, true));
    case 'F16':
      return each((i) => widenHalf(view.getUint16(2 * i, true)));
    case 'BF16': {
      const wide = new Uint32Array(count);
      for (let i = 0; i < count; i++) wide[i] = view.getUint16(2 * i, true) << 16;
      return new Float32Array(wide.buffer);
    }
    default:
      throw new UsageError(
        'NOT_FLOATS',
        `${path}: ${tensor.name} is ${tensor.type}, not floats.`,
        'Give a file with F32, F16 or BF16 weights.',
      );
  }
}

/**
 * Reads a safetensors header strictly: every tensor inside the file, sizes as stated, nothing overlapping.
 * @throws {UsageError} for a file that is missing, truncated or lies about its contents
 * @see https://github.com/huggingface/safetensors#format
 */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  const missing = (cause: unknown) =>
    new UsageError('NO_SAFETENSORS', `${path} cannot be read.`, 'Give the path of a safetensors file.', { cause });
  const file = await open(path).catch((cause) => Promise.reject(missing(cause)));
  try {
    const { size } = await file.stat();
    const lengthBytes = Buffer.alloc(8);
    if ((await file.read(lengthBytes, 0, 8, 0)).bytesRead < 8)
      throw damaged(path, `${size} bytes are too few for a header`);
    const headerLength = Number(lengthBytes.readBigUInt64LE());
    if (headerLength > LARGEST_HEADER || headerLength > size - 8)
      throw damaged(path, `a header of ${headerLength} bytes in a file of ${size}`);
    const header = Buffer.alloc(headerLength);
    await file.read(header, 0, headerLength, 8);
    const tensors = parseHeader(path, header.toString('utf8'), 8 + headerLength, size);
    return {
      path,
      tensors,
      async read(tensor) {
        const handle = await open(path);
        try {
          const bytes = new Uint8Array(tensor.length);
          await handle.read(bytes, 0, tensor.length, tensor.offset);
          return toFloat32(path, tensor, bytes);
        } finally {
          await handle.close();
        }
      },
    };
  } finally {
    await file.close();
  }
}

/** Encodes float32 tensors in the given order. Data starts at a multiple of 8 bytes, as the format asks. */
export function encodeSafetensors(
  tensors: readonly { readonly name: string; readonly shape: readonly number[]; readonly data: Float32Array }[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  let end = 0;
  const entries = tensors.map(({ name, shape, data }) => {
    const start = end;
    end += data.byteLength;
    return [name, { dtype: 'F32', shape, data_offsets: [start, end] }];
  });
  const json = JSON.stringify({
    ...(Object.keys(metadata).length > 0 && { __metadata__: metadata }),
    ...Object.fromEntries(entries),
  });
  const header = Buffer.from(json.padEnd(Math.ceil(json.length / 8) * 8));
  const bytes = new Uint8Array(8 + header.length + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
  bytes.set(header, 8);
  let offset = 8 + header.length;
  for (const { data } of tensors) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
    offset += data.byteLength;
  }
  return bytes;
}

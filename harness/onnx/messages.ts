import { create } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from './proto/onnx_pb.js';

/** ONNX element type numbers (`TensorProto.DataType`) that this project writes. */
export const ELEMENT = { float32: 1, uint8: 2, int32: 6, int64: 7, bool: 9, float16: 10, float64: 11 } as const;
export type ElementType = keyof typeof ELEMENT;

export type AttributeValue = bigint | readonly bigint[] | number | string;

function attribute(name: string, value: AttributeValue): AttributeProto {
  switch (typeof value) {
    case 'bigint':
      return create(AttributeProtoSchema, { name, type: AttributeType.INT, i: value });
    case 'number':
      return create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: value });
    case 'string':
      return create(AttributeProtoSchema, { name, type: AttributeType.STRING, s: new TextEncoder().encode(value) });
    default:
      return create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: [...value] });
  }
}

/**
 * One ONNX node, unchecked. A bigint attribute is an INT and a number a FLOAT, because ONNX refuses the one for the other.
 */
export function node(
  opType: string,
  input: readonly string[],
  output: readonly string[],
  attributes: Readonly<Record<string, AttributeValue>> = {},
  name = `/${output[0]}/${opType}`,
): NodeProto {
  return create(NodeProtoSchema, {
    opType,
    name,
    input: [...input],
    output: [...output],
    attribute: Object.entries(attributes).map(([key, value]) => attribute(key, value)),
  });
}

/** A small int64 initializer, embedded. Without `dims` it is a vector. */
export function int64Tensor(
  name: string,
  values: readonly number[],
  dims: readonly number[] = [values.length],
): TensorProto {
  return create(TensorProtoSchema, {
    name,
    dims: dims.map(BigInt),
    dataType: ELEMENT.int64,
    int64Data: values.map(BigInt),
  });
}

/** A float32 initializer whose raw bytes are a view of `data`. */
export function float32Tensor(name: string, data: Float32Array, dims: readonly number[]): TensorProto {
  return create(TensorProtoSchema, {
    name,
    dims: dims.map(BigInt),
    dataType: ELEMENT.float32,
    rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  });
}

/** A graph input or output. A text dimension is symbolic. Without `dims` the rank is left open. */
export function valueInfo(name: string, element: number, dims?: readonly (number | string)[]): ValueInfoProto {
  const dim = dims?.map((size) => ({
    value:
      typeof size === 'number'
        ? ({ case: 'dimValue', value: BigInt(size) } as const)
        : ({ case: 'dimParam', value: size } as const),
  }));
  return create(ValueInfoProtoSchema, {
    name,
    type: { value: { case: 'tensorType', value: { elemType: element, ...(dim && { shape: { dim } }) } } },
  });
}

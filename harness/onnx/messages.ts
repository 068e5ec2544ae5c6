import { create } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  type NodeProto,
  NodeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from './proto/onnx_pb.js';

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
 * One ONNX node, unchecked, to be put among nodes of a file that was read; new graphs are written with `Graph` and `ops.ts`.
 * A bigint attribute is an INT and a number a FLOAT, because ONNX refuses the one for the other.
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

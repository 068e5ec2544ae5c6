import { slice } from '../onnx/extract.js';
import type { GraphIndex } from '../onnx/graph.js';
import { uses } from '../onnx/graph.js';
import type { NodeProto } from '../onnx/proto/onnx_pb.js';
import type { Hookpoint } from '../replacement.js';
import type { CacheSlot, Signature } from './signature.js';
import { readsShapeOnly } from './stream.js';

/** A model divided at a hookpoint, as names and nodes of its own graph. */
export interface Split {
  readonly prefix: {
    /** Computes what is read, what is written, and what crosses. */
    readonly nodes: readonly NodeProto[];
    readonly inputs: ReadonlySet<string>;
    readonly outputs: readonly string[];
  };
  readonly suffix: {
    readonly nodes: readonly NodeProto[];
    /** The model's own inputs that are needed again, keys and values included. */
    readonly inputs: ReadonlySet<string>;
    /** Keys and values that the suffix reads, those of the layers after the cut. */
    readonly cache: readonly CacheSlot[];
  };
  /** Stream tensors from before the cut that the suffix reads beside `writes`, such as the residual stream around an MLP. */
  readonly crossing: readonly string[];
  /** Of these, those of which the suffix only asks the shape. */
  readonly shapesOnly: ReadonlySet<string>;
}

/**
 * Divides a model: the suffix holds all that depends on what is written, and computes again whatever does not depend on
 * the token stream, so that it also runs on the last token alone; the rest of what it reads crosses.
 */
export function splitAt(
  index: GraphIndex,
  stream: ReadonlySet<string>,
  signature: Signature,
  { reads, writes }: Hookpoint,
): Split {
  const affected = index.descendants([writes]);
  const needed = new Set([signature.logits]);
  const nodes = new Set<NodeProto>();
  const inputs = new Set<string>();
  const crossing = new Set<string>();
  const byValue = new Set<string>();
  const cache = new Set<CacheSlot>();
  for (const name of needed) {
    if (name === writes) continue;
    if (index.inputs.has(name)) {
      inputs.add(name);
      const slot = signature.cache.find(({ past }) => past === name);
      if (slot === undefined || cache.has(slot)) continue;
      cache.add(slot);
      // Its keys or values at earlier tokens come from the suffix's own first run, or from the prefix's.
      if (affected.has(slot.present)) needed.add(slot.present);
      continue;
    }
    if (stream.has(name) && !affected.has(name)) {
      crossing.add(name);
      continue;
    }
    const node = index.producer(name);
    if (node === undefined) continue;
    nodes.add(node);
    for (const source of uses(node)) {
      needed.add(source);
      if (!readsShapeOnly(node)) byValue.add(source);
    }
  }
  const early = [...cache].map(({ present }) => present).filter((name) => !affected.has(name));
  const outputs = [...new Set([reads, writes, ...crossing, ...early])];
  const before = slice(index, [], outputs);
  return {
    prefix: { nodes: before.nodes, inputs: before.inputs, outputs },
    suffix: {
      nodes: index.nodes.filter((node) => nodes.has(node)),
      inputs,
      cache: signature.cache.filter((slot) => cache.has(slot)),
    },
    crossing: [...crossing],
    shapesOnly: new Set([...crossing].filter((name) => !byValue.has(name))),
  };
}

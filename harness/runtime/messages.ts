import { UsageError } from '../errors.js';
import type { Fetch, SessionOptions } from './runtime.js';
import type { KeptTensor, Results, TensorData, Value } from './tensor-data.js';

/** What each operation is asked with and answers with, across the thread. */
export interface Operations {
  create: {
    ask: { readonly model: Uint8Array; readonly options: SessionOptions };
    answer: { readonly session: number; readonly inputs: readonly string[]; readonly outputs: readonly string[] };
  };
  run: {
    ask: { readonly session: number; readonly feeds: Readonly<Record<string, Value>>; readonly fetch: Fetch };
    answer: Results;
  };
  close: { ask: { readonly session: number }; answer: null };
  keep: { ask: { readonly tensor: TensorData }; answer: KeptTensor };
  read: { ask: { readonly tensor: KeptTensor }; answer: TensorData };
  release: { ask: { readonly tensors: readonly KeptTensor[] }; answer: null };
}
export type Operation = keyof Operations;

export type Question = {
  [O in Operation]: { readonly operation: O; readonly ask: Operations[O]['ask'] };
}[Operation];

export type Request = Question & { readonly id: number };

export type Response =
  | {
      [O in Operation]: { readonly id: number; readonly operation: O; readonly answer: Operations[O]['answer'] };
    }[Operation]
  | { readonly id: number; readonly operation: 'failed'; readonly error: SentError };

/** An error as plain data: structured cloning would drop the class and the fields of a `UsageError`. */
export type SentError =
  | { readonly kind: 'usage'; readonly code: string; readonly found: string; readonly next: string }
  | { readonly kind: 'other'; readonly message: string; readonly stack: string | undefined };

export function sendError(error: unknown): SentError {
  if (error instanceof UsageError) {
    return { kind: 'usage', code: error.code, found: error.found, next: error.next };
  }
  return error instanceof Error
    ? { kind: 'other', message: error.message, stack: error.stack }
    : { kind: 'other', message: String(error), stack: undefined };
}

export function receiveError(sent: SentError): Error {
  if (sent.kind === 'usage') return new UsageError(sent.code, sent.found, sent.next);
  const error = new Error(sent.message);
  if (sent.stack !== undefined) error.stack = sent.stack;
  return error;
}

/**
 * The values with their data in fresh buffers, and those buffers, to be moved instead of cloned. The copy is needed:
 * moving the buffers themselves would empty the caller's arrays, and onnxruntime's cannot be moved.
 */
export function movable<V extends Value>(value: V): { readonly value: V; readonly buffers: ArrayBuffer[] } {
  if (value.type === 'kept') return { value, buffers: [] };
  const data = value.data.slice();
  return { value: { ...value, data }, buffers: data.buffer instanceof ArrayBuffer ? [data.buffer] : [] };
}

/** As `movable`, for a record of values. */
export function movableRecord(values: Readonly<Record<string, Value>>): {
  readonly values: Record<string, Value>;
  readonly buffers: ArrayBuffer[];
} {
  const moved = Object.entries(values).map(([name, value]) => ({ name, ...movable(value) }));
  return {
    values: Object.fromEntries(moved.map(({ name, value }) => [name, value])),
    buffers: moved.flatMap(({ buffers }) => buffers),
  };
}

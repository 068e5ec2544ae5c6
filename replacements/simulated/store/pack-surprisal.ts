import type { SurprisalAnswer } from '../asking/surprisal.js';

/** The first byte of a surprisal; those of ratings and texts are others, so that none is taken for another. */
const UNREADABLE = 0x20;
const READ = 0x21;
/** The kind, then nats as a float64 and tokens as a uint32. */
const BYTES = 1 + 8 + 4;

/** Thirteen bytes, or one for what is unreadable; nothing is rounded. @throws {RangeError} for nats or tokens that are none */
export function packSurprisal(answer: SurprisalAnswer): Uint8Array {
  if (answer.kind === 'unreadable') return Uint8Array.of(UNREADABLE);
  const { nats, tokens } = answer;
  if (!Number.isFinite(nats)) throw new RangeError(`${nats} nats are no surprisal`);
  if (!(Number.isInteger(tokens) && tokens >= 0)) throw new RangeError(`${tokens} is no number of tokens`);
  const bytes = new Uint8Array(BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, READ);
  view.setFloat64(1, nats, true);
  view.setUint32(9, tokens, true);
  return bytes;
}

/** @throws {RangeError} for bytes that `packSurprisal` did not make */
export function unpackSurprisal(bytes: Uint8Array): SurprisalAnswer {
  if (bytes.length === 1 && bytes[0] === UNREADABLE) return { kind: 'unreadable' };
  if (bytes.length !== BYTES || bytes[0] !== READ) throw new RangeError('these bytes are no packed surprisal');
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return { kind: 'read', nats: view.getFloat64(1, true), tokens: view.getUint32(9, true) };
}

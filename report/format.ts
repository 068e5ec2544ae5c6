import type { Share } from '../eval/index.js';

const MINUS = '\u2212';
/** Keeps a number and its unit on one line. */
const NARROW = '\u202f';

/** What stands for a number that could not be had; its reason goes beside it. */
export const NONE = '\u2013';

function fixed(value: number, decimals: number): string {
  const text = Math.abs(value).toFixed(decimals);
  const grouped = text.replace(/\B(?=(\d{3})+(?!\d)(?<!\.\d*))/g, NARROW);
  return value < 0 && Number(text) !== 0 ? MINUS + grouped : grouped;
}

/** Three decimals for small losses, fewer for large: 0.543, 12.3, 310. */
export function nats(value: number): string {
  const size = Math.abs(value);
  return fixed(value, size >= 99.95 ? 0 : size >= 9.9995 ? 1 : 3);
}

/** The same with its sign: +0.543. */
export function signedNats(value: number): string {
  const text = nats(value);
  return value > 0 && /[1-9]/.test(text) ? `+${text}` : text;
}

/** 0.713 → 71 %. Shares that lie close to an end keep a decimal, so that 99.6 % is not called all. */
export function percent(value: number, decimals?: number): string {
  const points = 100 * value;
  const near = Math.abs(points) < 1 || (Math.abs(points) > 99 && Math.abs(points) < 101);
  const whole = decimals ?? (near && Math.abs(points - Math.round(points)) > 0.05 ? 1 : 0);
  return `${fixed(points, whole)}${NARROW}%`;
}

/** [0.51, 0.58] */
export function interval([low, high]: readonly [number, number], format: (value: number) => string): string {
  return `[${format(low)}, ${format(high)}]`;
}

/** 68 to 74 %: for sentences. */
export function percentRange([low, high]: readonly [number, number]): string {
  const [from, to] = [percent(low), percent(high)];
  return from === to ? from : `${from.replace(`${NARROW}%`, '')} to ${to}`;
}

/** p = 0.031, p < 0.001, kept on one line. */
export function pValue(p: number): string {
  return p < 0.001 ? 'p\u00a0<\u00a00.001' : `p\u00a0=\u00a0${p.toFixed(p < 0.01 ? 3 : 2)}`;
}

/** 12 345 */
export function whole(value: number): string {
  return fixed(value, 0);
}

/** A number without a unit to two decimals, or a dash: 0.42. */
export function score(value: number | null): string {
  return value === null ? NONE : fixed(value, 2);
}

/** 71 % [68, 74] */
export function shareText(share: Share): string {
  return share.mean === null
    ? NONE
    : `${percent(share.mean)} ${interval(share.ci, (v) => percent(v).replace(`${NARROW}%`, ''))}`;
}

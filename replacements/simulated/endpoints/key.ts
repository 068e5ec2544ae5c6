import { createHash } from 'node:crypto';
import type { Query } from '../asking/query.js';
import type { SurprisalQuery } from '../asking/surprisal.js';
import type { Needs } from './capabilities.js';
import type { Body } from './transport.js';

/** The fields of an object by name, those of objects in them too: however they were written, they are the same. */
function sortedFields(fields: object): [string, unknown][] {
  const sorted = Object.entries(fields).map(([name, value]): [string, unknown] => [name, canonical(value)]);
  return sorted.sort(([a], [b]) => (a < b ? -1 : 1));
}

function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  return typeof value === 'object' && value !== null ? Object.fromEntries(sortedFields(value)) : value;
}

/**
 * sha256 over all that decides an answer, in hex: the same question to the same model is the same key in every run and
 * by every way of asking. The explanation and the text window are in the prompt, as the model reads them. What an
 * endpoint can do is not part of it, so that what is stored can be used without asking what it is.
 * @param extra the user's own fields of a call, such as `chat_template_kwargs`
 */
export function queryKey(model: string, query: Query, needs: Needs, extra: Body = {}): string {
  const { expects } = query;
  return contentKey(model, query, expects.kind === 'digits' ? `digits ${expects.count}` : expects.kind, needs, extra);
}

/** The same for a text whose surprisal is asked for; what stands before it holds the explanation. */
export function surprisalKey(model: string, { before, text }: SurprisalQuery): string {
  return contentKey(model, { system: before, user: text }, 'surprisal', 'nats');
}

/**
 * The same for a question of any kind.
 * @param kind what an answer holds
 * @param needs what of it is wanted
 */
export function contentKey(
  model: string,
  { system, user }: Pick<Query, 'system' | 'user'>,
  kind: string,
  needs: Needs | 'text' | 'nats',
  extra: Body = {},
): string {
  return createHash('sha256')
    .update(JSON.stringify([model, system, user, kind, needs, sortedFields(extra)]))
    .digest('hex');
}

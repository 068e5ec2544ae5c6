import type { Answered } from '../../judges/index.js';
import type { TextAnswer } from '../../simulated/asking/text.js';
import {
  type AskedEndpoints,
  type EndpointConfig,
  type EngineOptions,
  openEngine,
  textExchange,
} from '../../simulated/endpoints/index.js';
import type { Writer } from './writer.js';

/** Several endpoints as one writer. */
export interface EndpointWriter extends Writer, AskedEndpoints {}

/** What an answer in prose is to whoever asked; `null`: none could be had. */
export function written(answer: TextAnswer | null): Answered<string> {
  if (answer === null) return { missing: 'failed' };
  switch (answer.kind) {
    case 'written':
      return { value: answer.text };
    case 'unreadable':
      return { missing: 'unreadable answer' };
    case 'refused':
      return { missing: 'refused' };
  }
}

/**
 * Opens endpoints of one model as a writer: pool, probe, retries, budget and alarms are those of `openEndpoints`.
 * @param options `store`: the `texts` of a store of answers; what was written, even if unreadable or refused, is in it
 *   before it is given, and is not paid for twice
 * @throws {UsageError} for an address that is none
 */
export async function openEndpointWriter(
  configs: readonly EndpointConfig[],
  options: EngineOptions<TextAnswer>,
): Promise<EndpointWriter> {
  const engine = openEngine(configs, textExchange(options), options);
  return {
    id: engine.id,
    get usage() {
      return engine.usage;
    },
    get alarms() {
      return engine.alarms;
    },
    progress: (remaining) => engine.progress(remaining),
    probe: () => engine.probe(),
    idle: () => engine.idle(),
    close: () => engine.close(),
    write: async (query, signal) => written(await engine.ask(query, signal)),
  };
}

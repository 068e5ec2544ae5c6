import { alarmText, openEndpointWriter, storedWriter, type Writer } from '../../../replacements/index.js';
import { type Environment, isOffline, noUsage, type SimulatorNeeds, type Usage } from './kind.js';
import { endpointsOf, type OpenaiConfig, openaiSchema } from './openai.js';

/** Whoever writes explanations is named as a simulator is. Endpoints alone can: a model on this machine only rates. */
export const writerSchema = openaiSchema;
export type WriterConfig = OpenaiConfig;

/** @throws {UsageError} `NO_ENDPOINT` when an address or key is not set: better before the work than after */
export function checkWriter(config: WriterConfig, environment: Environment): void {
  if (!isOffline(environment)) endpointsOf(config, environment);
}

/** A writer that is asked, or what it wrote before. */
export interface OpenWriter {
  readonly writer: Writer;
  usage(): Usage;
  /** Waits for what is under way, which is paid for. */
  close(): Promise<void>;
}

/** What a writer may be made from. */
export type WriterNeeds = Pick<
  SimulatorNeeds,
  'answers' | 'environment' | 'signal' | 'spenderOf' | 'prices' | 'seed' | 'note'
>;

/** By the same endpoints, pool, store, budget, prices and alarms as simulators; offline, from the store alone. */
export async function openWriter(config: WriterConfig, needs: WriterNeeds): Promise<OpenWriter> {
  const { answers, environment, signal, spenderOf, prices, seed, note } = needs;
  const { model, extraBody } = config;
  const { texts: store } = await answers.open();
  if (isOffline(environment)) {
    const stored = storedWriter({ model, store, ...(extraBody && { extraBody }) });
    return {
      writer: stored,
      usage: noUsage,
      async close() {
        if (stored.unanswered === 0) return;
        note(
          `${stored.id}: ${stored.unanswered.toLocaleString('en-US')} texts are not stored, and offline nobody is asked.`,
        );
      },
    };
  }
  const writer = await openEndpointWriter(endpointsOf(config, environment), {
    model,
    store,
    signal,
    ...(extraBody && { extraBody }),
    prices,
    spend: spenderOf(model),
    seed,
    onAlarm: (alarm) => note(`openai:${model}, writing explanations: ${alarmText(alarm)}`),
    onNote: note,
  });
  return {
    writer,
    usage() {
      const { calls, probeCalls, tokensIn, tokensOut, usd } = writer.usage;
      return { queries: calls - probeCalls, probeCalls, tokensIn, tokensOut, usd };
    },
    async close() {
      await writer.idle();
      writer.close();
    },
  };
}

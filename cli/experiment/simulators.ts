import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../../harness/index.js';
import {
  type CoderEvidence,
  executable,
  openai,
  openStore,
  type RatingStore,
  type Simulator,
  synthetic,
} from '../../replacements/index.js';
import type { SimulatorConfig } from './schema.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** A simulator of an experiment, and what asking it means. */
export interface OpenSimulator {
  readonly simulator: Simulator;
  /** Every rating is a query that costs money or minutes; the others are computed here. */
  readonly paid: boolean;
  /** Looks at the true activations. */
  readonly oracle: boolean;
  /** Queries and tokens so far. */
  usage(): { readonly queries: number; readonly tokensIn: number; readonly tokensOut: number };
}

const FREE = { paid: false, usage: () => ({ queries: 0, tokensIn: 0, tokensOut: 0 }) } as const;

function required(environment: Environment, name: string): string {
  const value = environment[name];
  if (value) return value;
  throw new UsageError(
    'NO_ENDPOINT',
    `${name} is not set.`,
    `Set ${name}, or choose a simulator that needs no endpoint.`,
  );
}

/** @throws {UsageError} when a simulator needs an address or key that is not set: better before the work than after */
export function checkEnvironment(config: SimulatorConfig, environment: Environment): void {
  if (config.kind !== 'openai') return;
  if (config.baseUrl === undefined) required(environment, 'OPENAI_BASE_URL');
  required(environment, 'OPENAI_API_KEY');
}

/** The answers paid for so far: opened when first needed, shared by all simulators of a run. */
export interface AnswerStore {
  open(): Promise<RatingStore>;
  close(): Promise<void>;
}

export function answerStore(cache: string): AnswerStore {
  let opened: Promise<RatingStore> | undefined;
  const open = async (): Promise<RatingStore> => {
    await mkdir(cache, { recursive: true });
    return openStore(join(cache, 'ratings.jsonl'));
  };
  return {
    open() {
      opened ??= open();
      return opened;
    },
    async close() {
      await (await opened?.catch(() => undefined))?.close();
    },
  };
}

/** @throws {UsageError} when an endpoint's address or key is missing */
export async function openSimulator(
  config: SimulatorConfig,
  evidence: CoderEvidence,
  seed: number,
  answers: AnswerStore,
  environment: Environment,
): Promise<OpenSimulator> {
  switch (config.kind) {
    case 'executable':
      return { simulator: executable(), oracle: false, ...FREE };
    case 'synthetic': {
      const { kind: _, ...dials } = config;
      const latents = { scale: evidence.scale, observed: evidence.observed };
      return { simulator: synthetic({ ...dials, falseAlarms: 'own', seed }, latents), oracle: true, ...FREE };
    }
    case 'openai': {
      const client = openai({
        baseUrl: config.baseUrl ?? required(environment, 'OPENAI_BASE_URL'),
        apiKey: required(environment, 'OPENAI_API_KEY'),
        model: config.model,
        store: await answers.open(),
        concurrency: config.concurrency,
        timeoutMs: config.timeoutSeconds * 1000,
      });
      return {
        simulator: client,
        paid: true,
        oracle: false,
        usage: () => {
          const { queries, promptTokens, completionTokens } = client.usage;
          return { queries, tokensIn: promptTokens, tokensOut: completionTokens };
        },
      };
    }
  }
}

import type { z } from 'zod';
import type { CoderEvidence, Simulator } from '../../../replacements/index.js';
import type { AnswerStore } from './answers.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** What a simulator may be made from. */
export interface SimulatorNeeds {
  readonly evidence: CoderEvidence;
  readonly seed: number;
  readonly answers: AnswerStore;
  readonly environment: Environment;
}

/** Queries and tokens so far. */
export interface Usage {
  readonly queries: number;
  readonly tokensIn: number;
  readonly tokensOut: number;
}

/** A simulator that an experiment names, its keys checked, not yet opened. */
export interface ChosenSimulator {
  /** Who reads, for the plan: a kind or a model's name. */
  readonly reader: string;
  /** Every rating is a query that costs money or minutes; those of the others are computed here. */
  readonly paid: boolean;
  /** Looks at the true activations and reads no explanation. */
  readonly oracle: boolean;
  /** @throws {UsageError} when an address or key is not set: better before the work than after */
  checkEnvironment(environment: Environment): void;
  readonly open: (needs: SimulatorNeeds) => Promise<{ readonly simulator: Simulator; readonly usage: () => Usage }>;
}

/** One kind of simulator: the keys that an experiment file may give it, and what they make. */
export interface SimulatorKind<Schema extends z.ZodType> {
  readonly schema: Schema;
  /** `null` when the keys are those of another kind. */
  choose(keys: unknown): ChosenSimulator | null;
}

export function simulatorKind<Schema extends z.ZodType>(
  schema: Schema,
  choose: (keys: z.output<Schema>) => ChosenSimulator,
): SimulatorKind<Schema> {
  return {
    schema,
    choose(keys) {
      const parsed = schema.safeParse(keys);
      return parsed.success ? choose(parsed.data) : null;
    },
  };
}

/** For simulators that ask nobody. */
export const FREE = { paid: false, checkEnvironment: () => {} } as const;
export const noUsage = (): Usage => ({ queries: 0, tokensIn: 0, tokensOut: 0 });

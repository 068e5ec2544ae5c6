import type { z } from 'zod';
import type {
  Asker,
  CoderEvidence,
  Expects,
  Judge,
  QueryShape,
  ReadOutId,
  Simulator,
  Spend,
  TakeQuestion,
} from '../../../replacements/index.js';
import type { PriceTable } from '../budget.js';
import type { Progress } from '../progress.js';
import type { SharedAnswers } from './answers.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Set by `--offline`: no network is used, and answers come from the store alone. */
export const OFFLINE = 'PARTIAL_REWRITE_OFFLINE';
export const isOffline = (environment: Environment): boolean => environment[OFFLINE] === '1';

/** What a simulator may be made from. */
export interface SimulatorNeeds {
  /** What oracles look at; `null` where none is opened. */
  readonly evidence: CoderEvidence | null;
  readonly seed: number;
  readonly answers: SharedAnswers;
  readonly environment: Environment;
  readonly progress: Progress;
  readonly threads?: number | undefined;
  readonly signal: AbortSignal;
  readonly prices: PriceTable;
  /** What may be spent on a model. */
  readonly spenderOf: (model: string) => Spend;
  /** One line for the user. */
  readonly note: (text: string) => void;
  readonly now: () => Date;
  /** Where paces are kept between runs. */
  readonly cache: string;
  /** Questions that the plan has for it at this hookpoint, where that is to be shown. */
  readonly planned?: number | undefined;
  /** Answers of other kinds than its ratings that its asker will be asked for, so that a server is tried for these too. */
  readonly alsoAsked?: readonly Expects['kind'][] | undefined;
}

/** Queries, tokens and dollars so far. */
export interface Usage {
  readonly queries: number;
  /** Calls that only found out what a server can do; none of `queries`. */
  readonly probeCalls: number;
  readonly tokensIn: number;
  readonly tokensOut: number;
  /** `null` where no price is known. */
  readonly usd: number | null;
}

/** How a simulator puts its questions, so that they can be counted and written down before any is asked. */
export interface Asks {
  readonly model: string;
  /** @throws {UsageError} for prompts of the user's that cannot be read */
  readonly shape: () => Promise<QueryShape>;
  readonly readOut: ReadOutId;
  /** The servers that are asked, without credentials; none for a model on this machine, and offline. */
  readonly addresses: (environment: Environment) => readonly string[];
}

/** A simulator whose questions can be written down for somebody else to answer. */
export interface Exports {
  readonly model: string;
  /** Which of a server's ways of asking its questions are for. A batch may hold one model and one of these. */
  readonly api: string;
  /**
   * In place of `open`: what it is asked, it hands on.
   * @throws {UsageError} when what is assumed of whoever answers could not be read
   */
  readonly simulator: (take: TakeQuestion) => Promise<Simulator>;
  /** In place of the `asker` that `open` gives: what it is asked for one digit, or a yes or a no, it hands on. Throws as `simulator`. */
  readonly asker: (take: TakeQuestion) => Asker;
}

/** A simulator that an experiment names, its keys checked, not yet opened. */
export interface ChosenSimulator {
  /** Who reads, for the plan: a kind or a model's name. */
  readonly reader: string;
  /** Every rating is a query that costs money or minutes; those of the others are computed here. */
  readonly paid: boolean;
  /** Queries a second that the experiment takes it to answer; `null` where it says nothing of that. */
  readonly expectedPerSecond: number | null;
  /** Looks at the true activations and reads no explanation. */
  readonly oracle: boolean;
  /** `null` for simulators that ask nobody. */
  readonly asks: Asks | null;
  /** Whether it can also say how surprising a text is: it is a language model of this machine. */
  readonly readsTexts?: boolean;
  /** `null` for simulators that answer here. */
  readonly exports: Exports | null;
  /** @throws {UsageError} when an address or key is not set, or a model is not there: better before the work than after */
  checkEnvironment(environment: Environment): void;
  readonly open: (needs: SimulatorNeeds) => Promise<{
    readonly simulator: Simulator;
    /** Whom it asks, where that is somebody who answers other questions too: same store, budget and pace. */
    readonly asker?: Asker;
    /** The same model as a reader that is surprised or not, opened when first asked: same store and pace. */
    readonly surprised?: Judge;
    readonly usage: () => Usage;
    /** Frees what it holds beyond memory. */
    readonly close?: () => Promise<void>;
  }>;
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
export const FREE = {
  paid: false,
  expectedPerSecond: null,
  asks: null,
  exports: null,
  checkEnvironment: () => {},
} as const;
export const noUsage = (): Usage => ({ queries: 0, probeCalls: 0, tokensIn: 0, tokensOut: 0, usd: 0 });

import type { Explanation } from '../../explanations/index.js';
import type {
  AnswerOf,
  Judge,
  MissingReason,
  QuestionKind,
  QuestionOf,
  ScoredExample,
  SteeredPair,
} from '../../replacements/index.js';
import type { UndefinedReason, Value } from './metrics/index.js';

/** One latent and what a score may look at. */
export interface Subject {
  /** `null` for scores that need none. */
  readonly explanation: Explanation | null;
  /** Held-out: none may have served as evidence for the explanation. Their order does not matter. */
  readonly examples: readonly ScoredExample[];
  /** For the intervention score. */
  readonly steered?: readonly SteeredPair[];
  /** Decides which tokens are fuzzed, which examples stand together and in which place. */
  readonly seed: string | number;
}

/** The least that a score can be made of. */
export interface Needs {
  readonly explanation: boolean;
  /** Examples on which the latent fires, and on which it does not. */
  readonly activating: number;
  readonly silent: number;
  readonly steered: number;
}

/** A latent's score by one judge. */
export interface ScoreResult {
  readonly score: string;
  readonly version: number;
  readonly judge: string;
  readonly value: Value;
  /** Further numbers of the same answers, by name. */
  readonly details: Readonly<Record<string, Value>>;
  /** Questions put, and those whose answer was missing as a whole or in part, by reason. */
  readonly asked: number;
  readonly missing: Readonly<Partial<Record<MissingReason, number>>>;
  /** Examples that could not be asked about, as one whose every token fires cannot be fuzzed. */
  readonly unusable: number;
}

/** A way of scoring explanations, or latents without them. One file a kind. */
export interface Score {
  readonly id: string;
  /** Rises with every change of the definition: numbers of different versions must not be compared. */
  readonly version: number;
  /** What its judge must be able to answer. */
  readonly asks: QuestionKind;
  readonly needs: Needs;
  /** What kind of number the value is, or its unit: `AUROC`, `nats`. */
  readonly measures: string;
  /** Least and largest value; infinite where it has no bound. */
  readonly range: readonly [number, number];
  /** What an explanation has that says nothing. */
  readonly chance: number;
  /** How many questions it takes: the price of a score before it is paid. */
  questions(subject: Subject): number;
  /**
   * Puts all questions and makes a number of the answers that come.
   * @throws {UsageError} `JUDGE_UNABLE` for a judge that cannot answer such questions
   * @throws {RangeError} for examples that are none
   */
  measure(subject: Subject, judge: Judge, signal: AbortSignal, options?: MeasureOptions): Promise<ScoreResult>;
}

export interface MeasureOptions {
  /** Questions that the judge has at once, at most; it may hold back more. Default 64. */
  readonly underWay?: number;
}

/** A question with what the judge must not know. */
export interface Item<Kind extends QuestionKind, Truth> {
  readonly question: QuestionOf<Kind>;
  readonly truth: Truth;
}

/** An item that was answered. */
export interface Reply<Kind extends QuestionKind, Truth> {
  readonly truth: Truth;
  readonly answer: AnswerOf<Kind>;
}

/** What a kind makes of its answers. */
export interface Reading {
  readonly value: Value;
  readonly details: Readonly<Record<string, Value>>;
}

/** What a kind must say; `score` (in `define.ts`) does the rest. All of it is pure. */
export interface ScoreKind<Kind extends QuestionKind, Truth>
  extends Pick<Score, 'id' | 'version' | 'asks' | 'needs' | 'measures' | 'range' | 'chance'> {
  readonly asks: Kind;
  /** The questions, in no order that matters, for a subject that has what is needed. */
  put(subject: Subject): { readonly items: readonly Item<Kind, Truth>[]; readonly unusable: number };
  read(replies: readonly Reply<Kind, Truth>[]): Reading;
  /** Why a subject has no value that no question can be made of. Default: `too few examples`. */
  readonly without?: UndefinedReason;
  /** Why parts of an answer are missing, a reason a part. Only where answers have parts. */
  missingParts?(answer: AnswerOf<Kind>): readonly MissingReason[];
}

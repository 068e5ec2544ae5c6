import { estimateWriting } from '../../../replacements/index.js';
import type { PriceTable } from '../budget.js';
import { dollars } from '../money.js';
import { chosenSimulator } from '../simulators/index.js';
import { judgeOf, needsJudge, textStyle, WRITING_DRAW, type WritingConfig } from './config.js';

/** What having explanations written asks of language models, at most. */
export interface PlannedWriting {
  readonly style: string;
  readonly by: string;
  /** Of the coders; those that do not fire in the evidence are not asked about. */
  readonly latents: number;
  /** Texts that are asked of the writer, second tries among them. */
  readonly texts: number;
  /** `null` where nobody has to read what is written. */
  readonly judge: string | null;
  readonly judgements: number;
  /** Both together. */
  readonly queries: number;
  readonly promptTokens: number;
  readonly answerTokens: number;
  /** `null` where the price of one who is asked is not known. */
  readonly usd: number | null;
}

/**
 * Counts the questions, before any evidence is looked at.
 * @param latents that are to be explained, at most
 */
export function planWriting(config: WritingConfig, latents: number, prices: PriceTable): PlannedWriting {
  const { style, by, refine, words } = config;
  const estimate = estimateWriting({
    style: textStyle(style),
    scored: style === 'sentence+score',
    rounds: refine,
    words,
    draw: WRITING_DRAW,
  });
  const judge = needsJudge(config) ? chosenSimulator(judgeOf(config)) : null;
  const texts = latents * estimate.texts;
  const judgements = latents * estimate.judgements;
  const usdOf = (model: string, count: number, each: { readonly prompt: number; readonly answer: number }) => {
    const price = prices[model];
    if (price === undefined) return null;
    return (count * (each.prompt * price.usdPerMillionIn + each.answer * price.usdPerMillionOut)) / 1e6;
  };
  const forTexts = usdOf(by.model, texts, estimate.text);
  // A model on this machine costs no money.
  const isFree = judge === null || judgeOf(config).kind !== 'openai';
  const forJudgements = isFree ? 0 : usdOf(judge.reader, judgements, estimate.judgement);
  return {
    style,
    by: by.model,
    latents,
    texts,
    judge: judge === null ? null : judge.reader,
    judgements,
    queries: texts + judgements,
    promptTokens: Math.round(texts * estimate.text.prompt + judgements * estimate.judgement.prompt),
    answerTokens: Math.round(texts * estimate.text.answer + judgements * estimate.judgement.answer),
    usd: forTexts === null || forJudgements === null ? null : forTexts + forJudgements,
  };
}

const number = (value: number): string => value.toLocaleString('en-US');

/** One line of the plan. */
export function describeWriting(planned: PlannedWriting): string {
  const { style, by, latents, texts, judge, judgements, promptTokens, answerTokens, usd } = planned;
  const read = judge === null ? '' : ` and ${number(judgements)} answers of ${judge}, who judges them`;
  const cost = usd === null ? '' : `; at most about ${dollars(usd)}`;
  return (
    `${by} writes explanations in style ${style} of at most ${number(latents)} latents: at most ${number(texts)} texts${read}; ` +
    `about ${number(promptTokens)} prompt tokens, at most ${number(answerTokens)} answer tokens${cost}`
  );
}

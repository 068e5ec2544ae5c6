import type { DrawPlan } from '../evidence/index.js';
import { ourJudgePrompts } from '../judges/index.js';
import { SHOWN_PLANS } from './choose.js';
import { EVIDENCE_SHARES, partSizes } from './evidence.js';
import type { WrittenStyle } from './forms/form.js';
import { ourWritingPrompts } from './prompts.js';
import { answerTokensFor, TRIES } from './write.js';

/** What explaining one latent asks at most, and how long the questions are in the mean. */
export interface WritingEstimate {
  /** Texts that are asked for, second tries among them. */
  readonly texts: number;
  /** Answers of a judge, a question each. */
  readonly judgements: number;
  /** Tokens of one question for a text, and the most that its answer may have. */
  readonly text: { readonly prompt: number; readonly answer: number };
  /** Tokens of one question to a judge, which a yes or a no answers. */
  readonly judgement: { readonly prompt: number; readonly answer: number };
}

const CHARACTERS_PER_TOKEN = 4;
/** Tokens of the element around an example and of the notes in it, roughly. */
const AROUND_EXAMPLE = 24;

const promptTokens = ({ system, user }: { readonly system: string; readonly user: string }): number =>
  (system.length + user.length) / CHARACTERS_PER_TOKEN;

/**
 * Counts the questions that writing an explanation takes, before anything is drawn.
 * @param rounds of refining; 0: none, and no judge is asked but for a score
 * @param draw the examples that there are at most
 */
export function estimateWriting({
  style,
  scored,
  rounds,
  words,
  draw,
}: {
  readonly style: WrittenStyle;
  /** Whether a score is told with the explanation. */
  readonly scored: boolean;
  readonly rounds: number;
  readonly words: number;
  readonly draw: DrawPlan;
}): WritingEstimate {
  const { explain, mend, decide, score } = EVIDENCE_SHARES;
  const kinds = [10 * draw.perDecile, draw.nearMisses, draw.neighbours, draw.random];
  const sizes = kinds.map((count) => partSizes(count, [explain, mend, decide, score]));
  const [, toMend, toDecide, toScore] = [0, 1, 2, 3].map((part) => sizes.reduce((sum, each) => sum + each[part]!, 0));
  const { firing, hard, random } = SHOWN_PLANS[style];
  const prompts = ourWritingPrompts[style];
  const places = { explanation: '', examples: '', again: '', words: String(words) };
  const asked = promptTokens(rounds > 0 ? prompts.refine.fill(places) : prompts.explain.fill(places));
  return {
    texts: TRIES * (1 + rounds),
    judgements: (rounds > 0 ? (1 + rounds) * toDecide! + rounds * toMend! : 0) + (scored ? toScore! : 0),
    text: {
      prompt: asked + (firing + hard + random) * (draw.length + AROUND_EXAMPLE),
      answer: answerTokensFor(words),
    },
    judgement: {
      prompt: promptTokens(ourJudgePrompts.detection.fill({ explanation: '', text: '' })) + draw.length + 2 * words,
      answer: 1,
    },
  };
}

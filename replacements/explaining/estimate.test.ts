import { describe, expect, it } from 'vitest';
import type { DrawPlan } from '../evidence/index.js';
import { estimateWriting } from './estimate.js';
import { splitEvidence } from './evidence.js';
import { refiningExplainer } from './refine/refine.js';
import { scoredSentenceExplainer } from './scored-sentence.js';
import { drawn } from './testing/evidence.js';
import { wordJudge } from './testing/word-judge.js';
import { scriptedWriter } from './writers/scripted-writer.js';
import { writtenExplainer } from './written-explainer.js';

const DRAW: DrawPlan = { length: 32, top: 2, perDecile: 4, random: 20, neighbours: 20, nearMisses: 20 };
const evidence = splitEvidence(drawn(4, 20), { hookpoint: 'layers.1.mlp', seed: 1 });
const { signal } = new AbortController();

/** What is asked when every answer makes as many further questions as it can. */
async function askedAtMost(rounds: number, scored: boolean): Promise<{ texts: number; judgements: number }> {
  // Of each two texts the first cannot be read; each that can is better than the one before, and not yet good.
  const writer = scriptedWriter((_, at) => (at % 2 === 0 ? ' ' : `text ${at}`));
  let judged = 0;
  const judge = {
    ...wordJudge(),
    async activates({ explanation, text }: { explanation: object; text: readonly string[] }) {
      judged++;
      const better = Number(/text (\d+)/.exec(JSON.stringify(explanation))![1]) / 100;
      const fires = evidence.toDecide.some(
        (each) => each.text === text && each.activations.some((activation) => activation > 0),
      );
      return { value: fires ? better : 0.4 };
    },
  };
  const plain = writtenExplainer('sentence', { writer });
  const refined =
    rounds === 0
      ? plain
      : refiningExplainer(plain, { judge, seed: 1, rounds, leastGain: 0, show: { falseNegatives: 1 } });
  const explain = scored ? scoredSentenceExplainer(refined, judge) : refined;
  await explain.explain(evidence, signal);
  return { texts: writer.queries.length, judgements: judged };
}

describe('an estimate of what writing takes', () => {
  it.each([
    [0, false],
    [0, true],
    [1, false],
    [3, false],
    [3, true],
  ])('counts the questions that can be asked at most (%i rounds, scored: %s)', async (rounds, scored) => {
    const { texts, judgements } = estimateWriting({ style: 'sentence', scored, rounds, words: 40, draw: DRAW });
    expect(await askedAtMost(rounds, scored)).toEqual({ texts, judgements });
  });
  it('knows how long questions are within a third', async () => {
    const writer = scriptedWriter(() => 'Cats.');
    await writtenExplainer('sentence', { writer }).explain(evidence, signal);
    const [{ system, user, maxTokens }] = writer.queries as [(typeof writer.queries)[0]];
    // Windows of three words.
    const { text } = estimateWriting({
      style: 'sentence',
      scored: false,
      rounds: 0,
      words: 40,
      draw: { ...DRAW, length: 3 },
    });
    expect(text.answer).toBe(maxTokens);
    expect(text.prompt / ((system.length + user.length) / 4)).toBeGreaterThan(2 / 3);
    expect(text.prompt / ((system.length + user.length) / 4)).toBeLessThan(4 / 3);
  });
});

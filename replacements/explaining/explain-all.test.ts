import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../harness/index.js';
import { activates } from '../judges/index.js';
import { BudgetReached } from '../simulated/index.js';
import { answered, balancedAccuracy, balancedProbability, detect } from './detect.js';
import { splitEvidence } from './evidence.js';
import { explainLatents } from './explain-all.js';
import { scoredSentenceExplainer } from './scored-sentence.js';
import { drawn, evidence, scored } from './testing/evidence.js';
import { wordJudge } from './testing/word-judge.js';
import { scriptedWriter } from './writers/scripted-writer.js';
import { writtenExplainer } from './written-explainer.js';

const { signal } = new AbortController();

describe('evidence in four parts', () => {
  const split = (seed: number, perDecile = 4, silent = 20) =>
    splitEvidence(drawn(perDecile, silent), { hookpoint: 'layers.1.mlp', seed });
  const textOf = ({ text }: { readonly text: readonly string[] }): string => text.join('');

  it.each([1, 2, 3])('has every example once (seed %i)', (seed) => {
    const { toExplain, toMend, toDecide, toScore } = split(seed);
    const texts = [...toExplain, ...toMend, ...toDecide, ...toScore].map(textOf);
    expect(texts).toHaveLength(2 + 40 + 60);
    expect(new Set(texts).size).toBe(texts.length);
  });
  it('divides each kind by the shares, and leaves no part without either class even of few', () => {
    const { toExplain, toMend, toDecide, toScore } = split(1);
    expect([toExplain.length - 2, toMend.length, toDecide.length, toScore.length]).toEqual([30, 20, 25, 25]);
    const few = split(1, 1, 4);
    for (const part of [few.toMend, few.toDecide, few.toScore]) {
      expect(part.some(activates)).toBe(true);
      expect(part.some((example) => !activates(example))).toBe(true);
    }
  });
  it('spreads the deciles over the parts', () => {
    const { toDecide } = split(1);
    const deciles = toDecide.flatMap(({ drawn: by }) => (by.kind === 'decile' ? [by.decile] : []));
    expect(new Set(deciles).size).toBeGreaterThanOrEqual(9);
  });
  it('takes the largest activation for a strength of 9, unless another is known', () => {
    expect(split(1).scale).toBe(9);
    expect(splitEvidence(drawn(1, 1), { hookpoint: 'h', seed: 1, scale: 12 }).scale).toBe(12);
  });
  it('is the same for the same seed, and another for another', () => {
    expect(split(1).toDecide.map(textOf)).toEqual(split(1).toDecide.map(textOf));
    expect(split(1).toDecide.map(textOf)).not.toEqual(split(2).toDecide.map(textOf));
  });
});

describe('detection', () => {
  const of = (...pairs: [boolean, number][]) => pairs.map(([isActive, probability]) => ({ isActive, probability }));
  it('weighs both classes alike, by hand', () => {
    const detections = of([true, 0.9], [true, 0.4], [true, 0.2], [false, 0.3]);
    expect(balancedProbability(detections)).toBeCloseTo((1.5 / 3 + 0.7) / 2, 12);
    expect(balancedAccuracy(detections)).toBeCloseTo((1 / 3 + 1) / 2, 12);
    expect(balancedAccuracy(of([true, 0.5], [false, 0.5]))).toBe(0.5);
  });
  it('is none where a class has no answer', () => expect(balancedProbability(of([true, 1]))).toBeNull());
  it.each([1, 2, 3])('is at chance for answers that know nothing (seed %i)', (seed) => {
    const random = seededRandom(seed);
    const detections = Array.from({ length: 4000 }, () => ({
      isActive: random.next() < 0.2,
      probability: random.next(),
    }));
    expect(balancedProbability(detections)).toBeCloseTo(0.5, 1);
    expect(balancedAccuracy(detections)).toBeCloseTo(0.5, 1);
  });
  it('stops the run at what the judge throws, once those under way are done', async () => {
    let asked = 0;
    const judge = {
      id: 'broken',
      async activates(): Promise<never> {
        asked++;
        throw new Error('wrong key');
      },
    };
    const written = await writtenExplainer('sentence', { writer: scriptedWriter(() => 'cat') }).explain(
      evidence(),
      signal,
    );
    if ('missing' in written) throw new Error(written.missing);
    const examples = Array.from({ length: 10 }, (_, i) => scored(`a${i}`));
    await expect(detect(judge, written.explanation, examples, signal, { underWay: 2 })).rejects.toThrow('wrong key');
    expect(asked).toBeLessThanOrEqual(2);
    expect(answered(examples, [{ missing: 'failed' }]).size).toBe(0);
  });
});

describe('a sentence with a score', () => {
  const sentence = writtenExplainer('sentence', { writer: scriptedWriter(() => 'cat cow') });
  it('tells the balanced accuracy on examples that nothing else used', async () => {
    const judge = wordJudge();
    const toScore = [scored('a cat*9'), scored('a dog*9'), scored('a cow'), scored('a tree'), scored('a sky')];
    const explained = await scoredSentenceExplainer(sentence, judge).explain(evidence({ toScore }), signal);
    expect(explained).toMatchObject({
      explanation: {
        style: 'sentence+score',
        text: 'cat cow',
        score: { of: 'detection accuracy', value: expect.closeTo((1 / 2 + 2 / 3) / 2, 12) },
        provenance: { by: 'explain-sentence+score' },
      },
    });
    expect(judge.texts).toEqual(toScore.map(({ text }) => text.join('')));
  });
  it('is missing where there is nothing to score by, and where the judge fails', async () => {
    expect(await scoredSentenceExplainer(sentence, wordJudge()).explain(evidence(), signal)).toEqual({
      missing: 'too few examples',
    });
    const silent = { id: 'silent', activates: async () => ({ missing: 'refused' as const }) };
    const toScore = [scored('a cat*9'), scored('a tree')];
    expect(await scoredSentenceExplainer(sentence, silent).explain(evidence({ toScore }), signal)).toEqual({
      missing: 'refused',
    });
  });
});

describe('many latents', () => {
  const byLatent = scriptedWriter(({ user }) => {
    const latent = /number(\d)/.exec(user)?.[1];
    if (latent === '2') return { missing: 'refused' };
    return latent === '3' ? 'two\nparagraphs' : `about ${latent}`;
  });
  const evidenceOf = async (latent: number) => {
    const { toExplain } = evidence();
    const [first] = toExplain;
    return { ...evidence(), latent, toExplain: [{ ...first!, text: [' the', ` number${latent}`, ' sat'] }] };
  };
  it('come in their order, and those that are missing are named and counted', async () => {
    const seen: string[] = [];
    const { explanations, missing, counts } = await explainLatents(
      writtenExplainer('sentence', { writer: byLatent }),
      [4, 1, 2, 3],
      evidenceOf,
      { signal, underWay: 2, onLatent: (done, total) => seen.push(`${done}/${total}`) },
    );
    expect(explanations.map(({ latent, text }) => [latent, text])).toEqual([
      [4, 'about 4'],
      [1, 'about 1'],
    ]);
    expect(missing).toEqual([
      { latent: 2, why: 'refused' },
      { latent: 3, why: 'unreadable answer' },
    ]);
    expect(counts).toEqual({ refused: 1, 'unreadable answer': 1 });
    expect(seen).toEqual(['1/4', '2/4', '3/4', '4/4']);
  });
  it('are what the budget sufficed for; the others were not asked', async () => {
    const writer = scriptedWriter((_, at) => {
      if (at >= 2) throw new BudgetReached();
      return 'Cats.';
    });
    const explained = await explainLatents(writtenExplainer('sentence', { writer }), [1, 2, 3, 4], evidenceOf, {
      signal,
      underWay: 1,
    });
    expect(explained.explanations.map(({ latent }) => latent)).toEqual([1, 2]);
    expect(explained).toMatchObject({ partial: true, counts: { 'not asked': 2 } });
    expect(writer.queries).toHaveLength(3);
  });
  it('are not begun after a failure that stops the run', async () => {
    const writer = scriptedWriter(() => {
      throw new Error('wrong key');
    });
    const explaining = explainLatents(writtenExplainer('sentence', { writer }), [1, 2, 3, 4], evidenceOf, {
      signal,
      underWay: 1,
    });
    await expect(explaining).rejects.toThrow('wrong key');
    expect(writer.queries).toHaveLength(1);
  });
});

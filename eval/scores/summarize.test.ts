import { describe, expect, it } from 'vitest';
import type { ScoreResult } from './score.js';
import { checkMetrics, type LatentScore, scoreRow, summarizeScores } from './summarize.js';
import { example, pattern } from './testing/examples.js';

const KIND = { id: 'detection', version: 3, measures: 'balanced accuracy', range: [0, 1], chance: 0.5 } as const;
const BOOTSTRAP = { seed: 1, resamples: 500 };

const NOTHING: ScoreResult = {
  score: 'detection',
  version: 3,
  judge: 'executable',
  value: { status: 'undefined', why: 'no answers' },
  details: {},
  asked: 10,
  missing: {},
  unusable: 0,
};
function latent(id: number, shown: LatentScore['shown'], result: Partial<ScoreResult>): LatentScore {
  return {
    hookpoint: 'layers.1.mlp',
    latent: id,
    entry: 'pattern',
    shown,
    explanation: pattern([]),
    result: { ...NOTHING, ...result },
  };
}
const measured = (value: number) => ({ status: 'measured', value }) as const;
const scored = [
  latent(1, 'own', { value: measured(0.9), details: { recall: measured(0.5) } }),
  latent(1, 'shuffled', { value: measured(0.5) }),
  latent(2, 'own', { value: measured(0.7), details: { recall: measured(1) }, missing: { refused: 2 }, unusable: 1 }),
  latent(2, 'shuffled', { value: measured(0.4) }),
  latent(3, 'own', { missing: { refused: 9, failed: 1 } }),
  latent(3, 'shuffled', { value: measured(0.6) }),
];

describe('scores of several latents', () => {
  const [own, shuffled, ...more] = summarizeScores(scored, [KIND], BOOTSTRAP);
  it('are one group for own explanations and one for those of others', () => {
    expect([own!.shown, shuffled!.shown, more]).toEqual(['own', 'shuffled', []]);
    expect(own).toMatchObject({
      score: 'detection',
      version: 3,
      measures: 'balanced accuracy',
      chance: 0.5,
      range: [0, 1],
      entry: 'pattern',
    });
  });
  it('have a mean over the latents that have a value, with an interval that holds it', () => {
    expect(own!.mean).toMatchObject({ mean: expect.closeTo(0.8, 12), ci: [expect.closeTo(0.7), expect.closeTo(0.9)] });
    expect(own).toMatchObject({ latents: 3, undefined: { 'no answers': 1 } });
  });
  it('are compared with the control over the latents that have both', () =>
    // 0.9 - 0.5 and 0.7 - 0.4; the third latent has no value of its own.
    expect(own!.aboveShuffled).toMatchObject({ mean: expect.closeTo(0.35, 12) }));
  it('count what was asked and why answers are missing', () =>
    expect(own).toMatchObject({ asked: 30, missing: { refused: 11, failed: 1 }, unusable: 1 }));
  it('have means of details over the latents that have them', () =>
    expect(own!.details).toEqual({ recall: { mean: 0.75, latents: 2 } }));
  it('have no interval, and say so, where fewer than two latents have a value', () => {
    const [alone] = summarizeScores(scored.slice(0, 1), [KIND], BOOTSTRAP);
    expect(alone!.mean).toEqual({ mean: null, why: 'fewer than two latents have a value' });
    expect(alone!.aboveShuffled).toBeNull();
  });
  it('write a range without a bound as null', () => {
    const [unbounded] = summarizeScores(
      scored,
      [{ ...KIND, range: [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] }],
      BOOTSTRAP,
    );
    expect(unbounded!.range).toEqual([null, null]);
  });
});

describe('a row', () => {
  it('has the value and the metrics, and null with the reason where there is none', () => {
    const [first, , , , third] = scored.map(scoreRow);
    expect(first).toMatchObject({ latent: 1, style: 'pattern', value: 0.9, why: null, recall: 0.5, precision: null });
    expect(third).toMatchObject({ latent: 3, value: null, why: 'no answers', missing: 10 });
  });
});

describe('checkMetrics', () => {
  // Two latents that fire on 4 of 8,000 tokens, and one that never does.
  const silent = Array<number>(2000).fill(0);
  const words = Array<string>(2000).fill('a');
  const examples = Array.from({ length: 4 }, () => example(words, silent.with(3, 2)));
  const never = Array.from({ length: 4 }, () => example(words, silent));
  const checks = checkMetrics('layers.1.mlp', [examples, examples, never], 1);
  it('counts the latents of which a metric notices what is done to labels', () => {
    const of = (name: string) => checks.find(({ metric }) => metric === name);
    expect(of('F1')).toMatchObject({ latents: 2, noticesMissingLabels: 2, noticesExtraLabels: 2 });
    expect(of('recall')).toMatchObject({ latents: 2, noticesMissingLabels: 2, noticesExtraLabels: 0 });
    expect(of('specificity')).toMatchObject({ latents: 2, noticesMissingLabels: 0, noticesExtraLabels: 0 });
  });
});

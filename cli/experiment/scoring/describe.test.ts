import { describe, expect, it } from 'vitest';
import type { ScoreGroup, Scores } from '../../../eval/index.js';
import { scoresText } from './describe.js';

const group = (more: Partial<ScoreGroup>): ScoreGroup => ({
  hookpoint: 'layers.1.mlp',
  entry: 'pattern',
  shown: 'own',
  score: 'detection',
  version: 1,
  judge: 'executable',
  measures: 'balanced accuracy',
  chance: 0.5,
  range: [0, 1],
  latents: 12,
  undefined: {},
  asked: 200,
  missing: {},
  unusable: 0,
  mean: { mean: 0.82, se: 0.03, ci: [0.75, 0.88] },
  aboveShuffled: null,
  details: {},
  ...more,
});

const scores = (groups: readonly ScoreGroup[]): Scores => ({
  schema: 'partial-rewrite/scores@1',
  model: 'm',
  seed: 0,
  partial: false,
  text: { part: 'calibration', contexts: 10, tokens: 1280 },
  window: 32,
  hookpoints: [
    {
      hookpoint: 'layers.1.mlp',
      coder: 'c',
      latents: { all: 64, explained: 60, firing: 60, scored: 12 },
      examples: { firing: { wanted: 240, drawn: 240 }, silent: { wanted: 240, drawn: 232 } },
    },
  ],
  scores: [...groups],
  metricChecks: [],
});

const absent = { mean: null, why: 'fewer than two latents have a value' } as const;

describe('scores as text', () => {
  it('say what each number is, its interval, chance and coverage', () => {
    const text = scoresText(scores([group({ missing: { refused: 20 } })]));
    expect(text).toMatch(/measures +mean +shuffled +above shuffled +chance +missing/);
    expect(text).toMatch(
      /detection@1 +pattern +executable +12 +balanced accuracy +0\.82 \[0\.75, 0\.88\] +– +– +0\.50 +10 %/,
    );
    expect(text).not.toContain('Without a value');
  });

  it('say of how many latents there is no value and why, and what to do where examples are too few', () => {
    const none = group({
      entry: null,
      shown: 'none',
      score: 'intruder',
      mean: absent,
      undefined: { 'too few examples': 12 },
    });
    const text = scoresText(scores([none, group({ undefined: { 'no answers': 2 } })]));
    expect(text).toContain('  intruder by executable: of 12 latents, 12 too few examples\n');
    expect(text).toContain('  detection pattern by executable: of 12 latents, 2 no answers\n');
    expect(text).toContain('raise --examples');
    expect(text).toMatch(/detection@1 +pattern +executable +10 /);
  });

  it('does not ask for more examples where these do not lack', () => {
    expect(scoresText(scores([group({ undefined: { 'no answers': 2 } })]))).not.toContain('--examples');
  });

  it('reads files that do not say yet what the numbers are', () => {
    const { measures: _, ...older } = group({});
    expect(scoresText(scores([older]))).toMatch(/executable +12 +– +0\.82/);
  });
});

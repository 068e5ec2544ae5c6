import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readScoreRows, readScores, type ScoreRow, type Scores, writeScores } from './scores.js';

const SCORES: Scores = {
  schema: 'partial-rewrite/scores@1',
  model: 'm',
  seed: 0,
  partial: false,
  text: { part: 'calibration', contexts: 2, tokens: 64 },
  window: 32,
  hookpoints: [],
  scores: [
    {
      hookpoint: 'layers.1.mlp',
      entry: null,
      shown: 'none',
      score: 'intruder',
      version: 1,
      judge: 'token-statistics',
      chance: 0.2,
      range: [0, 1],
      latents: 1,
      undefined: { 'too few examples': 1 },
      asked: 0,
      missing: {},
      unusable: 0,
      mean: { mean: null, why: 'fewer than two latents have a value' },
      aboveShuffled: null,
      details: {},
    },
  ],
  metricChecks: [],
};
const ROW: ScoreRow = {
  hookpoint: 'layers.1.mlp',
  latent: 5,
  entry: null,
  style: null,
  shown: 'none',
  score: 'intruder',
  version: 1,
  judge: 'token-statistics',
  value: null,
  why: 'too few examples',
  asked: 0,
  missing: 0,
  unusable: 0,
  precision: null,
  recall: null,
  specificity: null,
  f1: null,
  iou: null,
  cosine: null,
  auroc: null,
  auprc: null,
  explanation: null,
};
const MEASURED: ScoreRow = { ...ROW, entry: 'pattern', style: 'pattern', shown: 'own', value: 0.25, why: null, f1: 1 };

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'scores-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the files of scores', () => {
  it('come back as they were written, nothing missing become a number', async () => {
    await writeScores(folder, SCORES, [ROW, MEASURED]);
    expect(await readScores(folder)).toEqual(SCORES);
    expect(await readScoreRows(folder)).toEqual([ROW, MEASURED]);
  });
  it('leave what a run wrote beside them', async () => {
    writeFileSync(join(folder, 'summary.json'), 'a run’s');
    await writeScores(folder, SCORES, []);
    expect(readFileSync(join(folder, 'summary.json'), 'utf8')).toBe('a run’s');
    expect(readdirSync(folder).sort()).toEqual(['scores.json', 'scores.parquet', 'summary.json']);
  });
  it('are not written with a number that is none', async () => {
    const other = join(folder, 'nan');
    await expect(writeScores(other, SCORES, [{ ...ROW, value: Number.NaN }])).rejects.toThrow(/number/);
    await expect(readScores(other)).rejects.toThrow(/not the result/);
  });
});

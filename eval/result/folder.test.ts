import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../../harness/index.js';
import type { ArmMeasurements, Measurements } from '../statistics/index.js';
import { summarize } from '../statistics/index.js';
import { type RunResult, readManifest, readReportData, readSummary, writeResult } from './folder.js';
import { type LatentRow, readLatents } from './latents.js';
import { readPositions } from './positions.js';
import { tableBytes } from './table.js';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'partial-rewrite-result-'));
});
afterAll(() => rm(root, { recursive: true }));

function arm(id: string, missing: boolean): ArmMeasurements {
  const random = seededRandom(id);
  const losses = () => ({
    ce: Float32Array.from({ length: 5 }, () => random.next()),
    kl: Float32Array.from({ length: 5 }, () => random.next()),
    top1: Uint8Array.of(1, 0, 1, 1, 0),
  });
  return {
    arm: { id, kind: id, style: null, simulator: null, calibration: null, selection: null, fraction: null },
    versions: [losses(), ...(missing ? [losses()] : [])],
    missing: missing ? Uint32Array.of(0, 2, 0, 0, 0) : null,
    dropped: missing ? Uint8Array.of(0, 1, 0, 0, 0) : null,
    asked: missing ? 80 : null,
  };
}

const measurements: Measurements = {
  contexts: [
    { id: 'aa', positions: [4, 5, 9], tokens: [' the', '"', '\n'] },
    { id: 'bb', positions: [0, 1], tokens: [' café', '\u202e'] },
  ],
  arms: [arm('original', false), arm('zero-output', false), arm('pattern', true)],
};

const latent: LatentRow = {
  entry: 'pattern-16',
  hookpoint: 'layers.2.mlp',
  latent: 3,
  style: 'pattern',
  simulator: 'executable',
  calibration: 'quantile',
  positions: 5,
  precision: 0.1,
  recall: null,
  specificity: 1,
  f1: null,
  correlation: -0.25,
  correlationWhenFiring: null,
  trueFiringRate: 0,
  simulatedFiringRate: 0.125,
  decoderNorm: 1.5,
  errorShare: 0.75,
  error: 0.5,
  errorOfSilence: 2.25,
  length: 12,
  explanation: 'fires on " the"',
};

function result(): RunResult {
  return {
    summary: summarize(
      measurements,
      { model: 'tiny', hookpoint: 'layers.2.mlp', protocol: 'all', partial: false },
      { seed: 1, resamples: 50 },
    ),
    manifest: {
      schema: 'partial-rewrite/manifest@1',
      config: { model: 'fixtures/world', fractions: [0.1, 1] },
      sources: {},
      inputs: { 'config.json': 'a'.repeat(64) },
      versions: { package: '0.1.0', node: '20.20.2', 'onnxruntime-node': '1.30.0' },
      git: null,
      seed: 1,
      plan: 'b'.repeat(64),
      startedAt: '2026-01-02T03:04:05.000Z',
      finishedAt: '2026-01-02T03:05:05.000Z',
      counts: {
        contexts: 2,
        positions: 5,
        queries: 0,
        ratings: 80,
        missing: 2,
        tokensIn: 0,
        tokensOut: 0,
        costUsd: null,
      },
    },
    measurements,
    latents: [latent, { ...latent, latent: 9, explanation: null, length: null, errorShare: null, error: null }],
    examples: { schema: 'partial-rewrite/examples@2', arm: null, latents: [], winners: null },
  };
}

async function written(name: string, changed: Partial<RunResult> = {}): Promise<string> {
  const folder = join(root, name);
  await writeResult(folder, { ...result(), ...changed });
  return folder;
}

describe('a result folder', () => {
  it('gives back what was written', async () => {
    const folder = await written('round-trip');
    const { summary, manifest, latents } = result();
    expect(await readSummary(folder)).toEqual(summary);
    expect(await readManifest(folder)).toEqual(manifest);
    expect(await readLatents(folder)).toEqual(latents);
    expect(await readReportData(folder)).toMatchObject({ summary, manifest });
  });

  it('has a row for each arm, imputation and position, with its context, index and surface form', async () => {
    const rows = await readPositions(await written('positions'));
    expect(rows).toHaveLength(20);
    expect(rows[16]).toEqual({
      context: 'aa',
      index: 5,
      token: '"',
      arm: 'pattern',
      imputation: 1,
      ce: measurements.arms[2]!.versions[1]!.ce[1],
      kl: measurements.arms[2]!.versions[1]!.kl[1],
      top1: false,
      missing: 2,
      dropped: true,
    });
    const first = { context: 'bb', token: '\u202e', arm: 'original', imputation: null, missing: 0, dropped: false };
    expect(rows[4]).toMatchObject(first);
  });

  it('has the same bytes for the same measurements', async () => {
    const [one, two] = [await written('one'), await written('two')];
    for (const name of ['summary.json', 'positions.parquet', 'latents.parquet', 'examples.json']) {
      expect(await readFile(join(one, name))).toEqual(await readFile(join(two, name)));
    }
  });

  it('can be written over, keeps files that are not its own, and leaves no drafts beside it', async () => {
    const folder = await written('again');
    await writeFile(join(folder, 'ratings.db'), 'paid for');
    await written('again');
    expect((await readdir(folder)).sort()).toEqual([
      'examples.json',
      'latents.parquet',
      'manifest.json',
      'positions.parquet',
      'ratings.db',
      'summary.json',
    ]);
    expect((await readdir(root)).filter((name) => name.includes('draft'))).toEqual([]);
  });

  it('takes no number that is not finite, and then writes nothing', async () => {
    const { summary } = result();
    const broken = written('broken', { summary: { ...summary, original: { ce: Number.NaN } } });
    await expect(broken).rejects.toThrow(/NaN/);
    expect(await readdir(root)).not.toContain('broken');
  });
});

describe('latents of a result from before', () => {
  it('are read, and what they do not say is null', async () => {
    const folder = await written('before');
    const absent = { entry: null, positions: null, error: null, errorOfSilence: null };
    const columns = Object.entries(latent)
      .filter(([name]) => !(name in absent))
      .map(([name, value]) => ({
        name,
        type: typeof value === 'string' ? ('STRING' as const) : ('DOUBLE' as const),
        nullable: true,
        data: [value],
      }));
    await writeFile(join(folder, 'latents.parquet'), tableBytes('partial-rewrite/latents@2', columns));
    expect(await readLatents(folder)).toEqual([{ ...latent, ...absent }]);
  });
});

describe('reading refuses', () => {
  it('a folder that is not there, or no result', async () => {
    await expect(readSummary(join(root, 'nowhere'))).rejects.toMatchObject({ code: 'NOT_A_RESULT' });
    await expect(readPositions(join(root, 'nowhere'))).rejects.toMatchObject({ code: 'RESULT_MISSING' });
  });

  it('a file of another schema, naming what it found', async () => {
    const folder = await written('newer');
    await writeFile(join(folder, 'summary.json'), JSON.stringify({ schema: 'partial-rewrite/summary@2' }));
    await expect(readSummary(folder)).rejects.toMatchObject({ code: 'RESULT_SCHEMA' });
    await writeFile(join(folder, 'positions.parquet'), await readFile(join(folder, 'latents.parquet')));
    await expect(readPositions(folder)).rejects.toThrow(
      /is partial-rewrite\/latents@3, not partial-rewrite\/positions@1/,
    );
  });

  it('cut-off files, in two lines', async () => {
    const folder = await written('cut');
    await truncate(join(folder, 'positions.parquet'), 40);
    await truncate(join(folder, 'summary.json'), 40);
    await expect(readPositions(folder)).rejects.toMatchObject({ code: 'RESULT_UNREADABLE' });
    const error = await readSummary(folder).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'RESULT_UNREADABLE' });
    expect(String(error).split('\n')).toHaveLength(2);
  });
});

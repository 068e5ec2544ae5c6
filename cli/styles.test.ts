import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LatentRow, readLatents, readReportData, readSummary, type Summary } from '../eval/index.js';
import { startFaultServer } from '../replacements/testing.js';
import { main } from './dispatch.js';
import { EXIT } from './io.js';
import { packageFolder } from './package.js';
import { fakeIo } from './testing/io.js';
import { SMALL, writeExperiment } from './testing/small-experiment.js';

const world = join(packageFolder(), 'fixtures', 'world');
const provenance = { by: 'hand' };
const latents = [0, 1, 2, 3];
const pattern = (latent: number, by: string) => ({
  hookpoint: SMALL.hookpoint,
  latent,
  style: 'pattern',
  rules: [{ tokens: [[' the', ' a']], strength: 9 - latent }],
  provenance: { by },
});
const sentence = (latent: number) => ({
  hookpoint: SMALL.hookpoint,
  latent,
  style: 'sentence',
  text: 'The word "the" or "a".',
  provenance,
});

const common = { calibrations: ['linear', 'none'], fractions: [1], shuffled: false } as const;
const executable = { ...common, style: 'pattern', simulator: { kind: 'executable' } } as const;
const model = { ...common, simulator: { kind: 'openai', model: 'm' } } as const;
const EXPERIMENT = {
  ...SMALL,
  coder: { sparsify: join(world, 'coders', 'transcoder', SMALL.hookpoint) },
  texts: {
    ...SMALL.texts,
    calibration: { ...SMALL.texts.calibration, contexts: 6 },
    evaluation: { ...SMALL.texts.evaluation, contexts: 60 },
  },
  prices: { m: { usdPerMillionIn: 1, usdPerMillionOut: 1 } },
  simulated: [
    { ...executable, name: 'run', explanations: { file: 'patterns.jsonl' } },
    { ...model, name: 'read', style: 'pattern', explanations: { file: 'patterns-again.jsonl' } },
    { ...model, style: 'sentence', explanations: { file: 'sentences.jsonl' } },
    { ...executable, name: 'many', explanations: { file: join(world, 'explanations', 'transcoder-pattern.jsonl') } },
  ],
};

let folder: string;
let summary: Summary;
let rows: LatentRow[];
const at = (...path: string[]) => join(folder, ...path);
const lines = (records: readonly unknown[]) => records.map((each) => `${JSON.stringify(each)}\n`).join('');

async function command(args: readonly string[], url?: string) {
  const address = url === undefined ? {} : { OPENAI_BASE_URL: url, OPENAI_API_KEY: 'secret' };
  const io = fakeIo({ PARTIAL_REWRITE_CACHE: at('cache'), ...address }, { answer: true });
  const exit = await main([...args], io);
  return { exit, printed: io.printed.join('\n'), noted: io.noted.join('\n') };
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'styles-'));
  writeFileSync(at('patterns.jsonl'), lines(latents.map((latent) => pattern(latent, 'one'))));
  writeFileSync(at('patterns-again.jsonl'), lines(latents.map((latent) => pattern(latent, 'another')).reverse()));
  writeFileSync(at('sentences.jsonl'), lines(latents.map(sentence)));
  await using server = await startFaultServer(() => ({ kind: 'digits', probabilities: { '7': 0.9, '0': 0.1 } }), {
    probes: 'well',
  });
  const { exit, noted } = await command(
    ['run', writeExperiment(folder, 'styles', EXPERIMENT), '--out', at('styles'), '--yes'],
    server.url,
  );
  expect(noted).not.toMatch(/Error/);
  expect(exit).toBe(EXIT.done);
  summary = await readSummary(at('styles'));
  rows = await readLatents(at('styles'));
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const entry = (name: string) => summary.entries.find((each) => each.name === name)!;

describe('several styles and readers in one run', () => {
  it('know what each reads, how long it is, and what reading it takes', () => {
    expect(summary.entries.map(({ name }) => name)).toEqual(['run', 'read', 'sentence', 'many']);
    // Two tokens and a strength each.
    expect(entry('run').length).toEqual({ tokenizer: summary.model, mean: 3, median: 3, total: 12 });
    expect(entry('sentence').length!.mean).toBeGreaterThan(4);
    expect(entry('run')).toMatchObject({ exact: true, latents: 4, reading: { queries: 0, usd: 0 } });
    const { reading } = entry('read');
    expect(reading.queries).toBe(4 * (6 + 60));
    expect(reading.usd).toBeCloseTo((reading.promptTokens! + reading.answerTokens!) / 1e6, 4);
  });

  it('see that explanations are the same, whoever wrote them down and in whatever order', () => {
    expect(entry('read').sha256).toBe(entry('run').sha256);
    expect(entry('sentence').sha256).not.toBe(entry('run').sha256);
  });

  it('are compared two by two, and say which latents both rewrite', () => {
    expect(summary.comparisons.map(({ differ }) => differ)).toEqual([
      ...['reader', 'both', 'explanations'],
      ...['explanations', 'both'],
      'both',
    ]);
    const { latents: shared } = summary.comparisons.find(({ differ }) => differ === 'explanations')!;
    expect(shared).toMatchObject({ both: 4, armOnly: 0 });
    expect(shared.againstOnly).toBeGreaterThan(10);
  });

  it('split the gap of the pattern that is run and read', () => {
    expect(summary.readers.map(({ exact, reader }) => [exact, reader])).toEqual([['run:linear@1', 'read:linear@1']]);
  });

  it('leave rows that are told apart by entry, with the length of every style', () => {
    const keys = rows.map(({ entry: of, latent, calibration }) => `${of}/${latent}/${calibration}`);
    expect(new Set(keys).size).toBe(rows.length);
    expect(rows.every(({ length }) => length !== null)).toBe(true);
    const own = rows.filter(({ entry: of, calibration }) => of === 'sentence' && calibration === 'linear');
    expect(own.reduce((sum, { length }) => sum + length!, 0)).toBe(entry('sentence').length!.total);
  });

  it('find the best entry for each latent, by the error of its row', async () => {
    const { winners } = (await readReportData(at('styles'))).examples;
    expect(winners!.latents).toBe(4);
    expect(winners!.entries.find(({ entry: of }) => of === 'many')!.latents).toBeLessThanOrEqual(4);
    for (const { latent, contenders } of winners!.largest) {
      const same = rows.filter((row) => row.latent === latent && row.calibration === 'linear');
      expect(contenders[0]!.error).toBe(Math.min(...same.map(({ error }) => error!)));
    }
  });

  it('are drawn against length and cost, in the report and as pictures of their own', () => {
    const page = readFileSync(at('styles', 'report.html'), 'utf8');
    for (const title of ['worth their length', 'Two readers', 'wins which latent']) expect(page).toContain(title);
    for (const name of ['styles-length.svg', 'styles-cost.svg']) {
      expect(readFileSync(at('styles', name), 'utf8')).toContain('>sentence</text>');
    }
  });
});

describe('compare', () => {
  it('compares the explanations of two results position by position', async () => {
    const other = { ...executable, name: 'other', explanations: { file: 'patterns.jsonl' } };
    const file = writeExperiment(folder, 'again', { ...EXPERIMENT, simulated: [other] });
    expect((await command(['run', file, '--out', at('again')])).exit).toBe(EXIT.done);
    const { exit, printed } = await command(['compare', at('styles'), at('again')]);
    expect(exit).toBe(EXIT.done);
    expect(printed).toContain('Paired by position, 60 contexts:');
    expect(printed).toMatch(/styles: run:linear@1 +again: other:linear@1 +0\.000 \[0\.000, 0\.000\] +1\.000/);
    expect(printed).toContain('adjusted for 4 comparisons');
  }, 60_000);

  it('refuses results of other text, unless they are only laid side by side', async () => {
    const texts = { ...EXPERIMENT.texts, evaluation: { ...EXPERIMENT.texts.evaluation, from: 20, to: 40 } };
    const file = writeExperiment(folder, 'elsewhere', { ...EXPERIMENT, texts, simulated: [] });
    expect((await command(['run', file, '--out', at('elsewhere')])).exit).toBe(EXIT.done);
    const both = ['compare', at('styles'), at('elsewhere')];
    const { exit, noted } = await command(both);
    expect(exit).toBe(EXIT.usage);
    expect(noted).toMatch(/not measured at the same positions.*\n.*--unpaired/);
    expect((await command([...both, '--unpaired'])).printed).toMatch(/zero-output +-?\d/);
  }, 60_000);
});

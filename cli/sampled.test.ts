import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPositions, readReportData, readSummary, type Summary } from '../eval/index.js';
import { main } from './dispatch.js';
import { EXIT } from './io.js';
import { packageFolder } from './package.js';
import { fakeIo } from './testing/io.js';
import { SMALL, WORLD, writeExperiment } from './testing/small-experiment.js';

const world = join(packageFolder(), 'fixtures', 'world');
const folder = mkdtempSync(join(tmpdir(), 'sampled-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const entry = {
  simulator: { kind: 'executable' },
  explanations: { file: join(world, 'explanations', 'transcoder-pattern.jsonl') },
  calibrations: ['linear'],
  fractions: [0.5, 1],
  selections: ['top'],
};
const experiment = (plan: object, more: object = {}) => ({
  ...SMALL,
  texts: { ...SMALL.texts, evaluation: { path: WORLD.evaluation, contexts: 120 } },
  coder: { sparsify: join(world, 'coders', 'transcoder', SMALL.hookpoint) },
  controls: { ngram: [], meanLatents: false },
  simulated: [{ ...entry, plan, ...more }],
});

async function run(name: string, plan: object, more: object = {}) {
  const io = fakeIo({ PARTIAL_REWRITE_CACHE: join(folder, 'cache') });
  const exit = await main(['run', writeExperiment(folder, name, experiment(plan, more)), '--out', at(name)], io);
  return { exit, noted: io.noted.join('\n') };
}
const at = (name: string) => join(folder, name);

/** Enough to know the false alarms of patterns well, and far from everything. */
const SHARE = 0.2;
const names = ['sampled', 'adaptive'] as const;
let everything: Summary;
const found = new Map<string, Summary>();

beforeAll(async () => {
  expect((await run('everything', { kind: 'exhaustive' })).exit).toBe(EXIT.done);
  everything = await readSummary(at('everything'));
  for (const kind of names) {
    const contrast = kind === 'adaptive' ? { contrast: { fraction: 0.5 } } : {};
    const { exit, noted } = await run(kind, { kind, share: SHARE, imputations: 5, ...contrast });
    expect([noted.match(/Error.*/)?.[0], exit]).toEqual([undefined, EXIT.done]);
    found.set(kind, await readSummary(at(kind)));
  }
});

const loss = (summary: Summary, id: string) => {
  const { deltaCe } = summary.arms.find((arm) => arm.id === id)!;
  if (deltaCe.mean === null) throw new Error(deltaCe.why);
  return deltaCe;
};

describe.each(names)('a run with the plan %s', (kind) => {
  it('says what was asked, and what asking everything would have cost', () => {
    const { sampling } = found.get(kind)!;
    expect(sampling.map(({ simulated, explanations, plan }) => [simulated, explanations, plan])).toEqual([
      ['pattern', 'own', kind],
      ['pattern', 'shuffled', kind],
    ]);
    for (const { asked, exhaustive, share, imputations } of sampling) {
      expect(share).toBe(asked / exhaustive);
      expect(share).toBeGreaterThan(0.9 * SHARE);
      expect(share).toBeLessThan(1.02 * SHARE);
      expect(imputations).toBe(5);
    }
    expect(everything.sampling).toEqual([]);
  });

  it('has the arms of an exhaustive run, and within their intervals its losses', () => {
    const summary = found.get(kind)!;
    expect(summary.arms.map(({ id }) => id)).toEqual(everything.arms.map(({ id }) => id));
    for (const { id, kind: arm } of everything.arms) {
      if (!['simulated', 'control-shuffled'].includes(arm)) {
        expect(loss(summary, id)).toEqual(loss(everything, id));
        continue;
      }
      const { ci } = loss(summary, id);
      const truth = loss(everything, id);
      expect(truth.mean).toBeGreaterThan(ci[0]);
      expect(truth.mean).toBeLessThan(ci[1]);
      // What was not asked makes intervals wider, not narrower, but for the luck of one draw of imputations.
      expect(ci[1] - ci[0]).toBeGreaterThan(0.8 * (truth.ci[1] - truth.ci[0]));
    }
  });

  it('keeps every imputation apart in the positions', async () => {
    const rows = (await readPositions(at(kind))).filter(({ arm }) => arm === 'pattern:linear@1');
    expect([...new Set(rows.map(({ imputation }) => imputation))]).toEqual([0, 1, 2, 3, 4]);
    expect(new Set(rows.filter(({ imputation }) => imputation === 0).map(({ context }) => context)).size).toBe(120);
    const whole = (await readPositions(at('everything'))).every(({ imputation }) => imputation === null);
    expect(whole).toBe(true);
  });

  it('shows what was answered of every latent that fires', async () => {
    expect((await shown(kind)).filter(({ truth }) => truth > 0).every(({ simulated }) => simulated !== null)).toBe(
      true,
    );
  });
});

/** What the report shows of single tokens: a latent's activation, and its simulation where that is known. */
async function shown(kind: string): Promise<readonly { readonly truth: number; readonly simulated: number | null }[]> {
  const { examples } = await readReportData(at(kind));
  return examples.latents
    .flatMap((latent) => latent.examples)
    .flatMap(({ actual, simulated }) =>
      actual.flatMap((truth, token) => (truth === null ? [] : [{ truth, simulated: simulated[token] ?? null }])),
    );
}

describe('sampled plans', () => {
  it('show what was not asked as not known', async () => {
    const both = [...(await shown('sampled')), ...(await shown('adaptive'))];
    expect(both.some(({ truth, simulated }) => truth === 0 && simulated === null)).toBe(true);
  });

  it('give the same bytes again', async () => {
    const bytes = (name: string) =>
      ['summary.json', 'positions.parquet'].map((file) => readFileSync(join(at(name), file)));
    await run('again', { kind: 'sampled', share: SHARE, imputations: 5 });
    expect(bytes('again')).toEqual(bytes('sampled'));
  });

  it('refuse a share of which nothing is left for silent latents', async () => {
    const { exit, noted } = await run('too-small', { kind: 'sampled', share: 0.0001 });
    expect(exit).toBe(EXIT.usage);
    expect(noted).toMatch(/Raise the plan's `share`/);
  });
});

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readManifest, readSummary } from '../eval/index.js';
import { openAnswers } from '../replacements/index.js';
import { type Behaviour, startFaultServer } from '../replacements/simulated/testing/fault-server.js';
import { main } from './dispatch.js';
import { EXIT } from './io.js';
import { fakeIo } from './testing/io.js';
import { SMALL, WORLD, writeExperiment } from './testing/small-experiment.js';

/** Two explained latents at one position of each of twelve contexts, six of them for calibration. */
const ASKED = {
  ...SMALL,
  texts: {
    evidence: { ...SMALL.texts.evidence, to: 6 },
    calibration: { ...SMALL.texts.calibration, contexts: 6 },
    evaluation: { path: WORLD.evaluation, from: 0, to: 6, contexts: 6 },
  },
  simulated: [
    {
      style: 'sentence',
      simulator: { kind: 'openai', model: 'm' },
      explanations: { file: 'sentences.jsonl' },
      calibrations: ['linear'],
      fractions: [1],
      shuffled: false,
    },
  ],
};
const QUERIES = 24;

let folder: string;
let file: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'endpoint-'));
  file = writeExperiment(folder, 'asked', ASKED);
  const sentence = (latent: number) => ({
    hookpoint: ASKED.hookpoint,
    latent,
    style: 'sentence',
    text: `Latent ${latent}.`,
    provenance: { by: 'hand' },
  });
  writeFileSync(
    join(folder, 'sentences.jsonl'),
    [1, 2].map((latent) => `${JSON.stringify(sentence(latent))}\n`).join(''),
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const DIGIT: Behaviour = { kind: 'digits', probabilities: { '7': 0.9, '0': 0.1 } };
const cacheOf = (name: string) => join(folder, name, 'cache');
const outOf = (name: string) => join(folder, name, 'out');

async function runAgainst(
  behave: (request: number) => Behaviour,
  name: string,
  args: readonly string[] = ['--yes'],
  experiment = file,
  probes: 'well' | 'as others' = 'well',
) {
  await using server = await startFaultServer(behave, { probes });
  const environment = { PARTIAL_REWRITE_CACHE: cacheOf(name), OPENAI_BASE_URL: server.url, OPENAI_API_KEY: 'secret' };
  const io = fakeIo(environment, { answer: true });
  const exit = await main(['run', experiment, '--out', outOf(name), ...args], io);
  return { exit, noted: io.noted.join('\n'), asked: io.asked, requests: server.received.length };
}

/** What this version writes, which is the second of the manifest's schema. */
async function readWritten(name: string) {
  const manifest = await readManifest(outOf(name));
  if (manifest.schema !== 'partial-rewrite/manifest@2') throw new Error(manifest.schema);
  return manifest;
}

async function answers(name: string): Promise<number> {
  const store = await openAnswers(join(cacheOf(name), 'answers'));
  const count = await store.count();
  await store.close();
  return count;
}

describe('a run that asks an endpoint', () => {
  it('says how many queries it will send, sends as many, and pays for none twice', async () => {
    const first = await runAgainst(() => DIGIT, 'good', []);
    expect(first).toMatchObject({
      exit: EXIT.done,
      requests: QUERIES,
      asked: [expect.stringContaining(`${QUERIES} queries`)],
    });
    expect((await readManifest(outOf('good'))).counts).toMatchObject({
      queries: QUERIES,
      ratings: QUERIES,
      missing: 0,
    });
    const { counts, simulated } = await readWritten('good');
    expect(counts.probeCalls).toBeGreaterThan(0);
    expect(simulated).toEqual([
      {
        name: 'sentence',
        reader: 'm',
        asks: {
          shape: 'last-token',
          seesBeyond: false,
          readOut: 'expected',
          sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
          addresses: [expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\//)],
        },
        queries: QUERIES,
        probeCalls: counts.probeCalls,
        tokensIn: counts.tokensIn,
        tokensOut: counts.tokensOut,
        costUsd: null,
      },
    ]);
    const bytes = readFileSync(join(outOf('good'), 'summary.json'));

    const again = await runAgainst(() => DIGIT, 'good');
    expect(again).toMatchObject({ exit: EXIT.done, requests: 0 });
    expect(readFileSync(join(outOf('good'), 'summary.json')).equals(bytes)).toBe(true);
  }, 60_000);

  it('asks no more for the shuffled control, and shows what silencing the explained latents costs', async () => {
    const shuffled = { ...ASKED, simulated: [{ ...ASKED.simulated[0], shuffled: true }] };
    const path = writeExperiment(folder, 'shuffled', shuffled);
    const { requests, asked } = await runAgainst(() => DIGIT, 'shuffled', [], path);
    expect(requests).toBe(QUERIES);
    expect(asked).toEqual([expect.stringContaining(`${QUERIES} queries`)]);
    const { arms } = await readSummary(outOf('shuffled'));
    expect(arms.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['control-shuffled', 'control-silenced']));
  }, 60_000);

  it('counts what it refused or said in prose as missing, and goes on', async () => {
    const behave = (request: number): Behaviour =>
      request % 3 === 0 ? { kind: 'refusal' } : request % 3 === 1 ? { kind: 'prose', text: 'Well' } : DIGIT;
    expect((await runAgainst(behave, 'odd')).exit).toBe(EXIT.done);
    const { arms } = await readSummary(outOf('odd'));
    const arm = arms.find(({ kind }) => kind === 'simulated')!;
    expect(arm.asked).toBe(QUERIES / 2);
    expect(arm.missing).toBeGreaterThan(0);
    expect(arm.positions).toBeLessThan(QUERIES / 4);
  }, 60_000);

  it.each<[what: string, Behaviour, RegExp]>([
    ['gives no logprobs', { kind: 'no logprobs' }, /logprobs/],
    ['rejects the key', { kind: 'status', status: 401 }, /key/i],
    ['does not know the model', { kind: 'status', status: 404 }, /\bm\b/],
  ])(
    'stops in two lines where it %s, and leaves no result',
    async (what, behaviour, message) => {
      const { exit, noted } = await runAgainst(() => behaviour, what, ['--yes'], file, 'as others');
      expect(exit).toBe(EXIT.usage);
      expect(noted).toMatch(message);
      expect(noted).toMatch(/\n {2}[^\n]+$/);
      expect(noted).not.toContain('secret');
      expect(existsSync(outOf(what))).toBe(false);
    },
    60_000,
  );

  it('keeps the answers it paid for when the endpoint fails midway', async () => {
    const turned = await runAgainst((request) => (request < 5 ? DIGIT : { kind: 'status', status: 401 }), 'midway');
    expect(turned.exit).toBe(EXIT.usage);
    const kept = await answers('midway');
    expect(kept).toBeGreaterThan(0);
    expect((await runAgainst(() => DIGIT, 'midway')).requests).toBe(QUERIES - kept);
  }, 60_000);

  const budgeted = (budget: object, name: string) =>
    writeExperiment(folder, name, { ...ASKED, budget, prices: { m: { usdPerMillionIn: 1000, usdPerMillionOut: 0 } } });
  /** The same run where nothing stops it. */
  const UNDISTURBED = 'undisturbed';
  beforeAll(async () => {
    const whole = await runAgainst(() => DIGIT, UNDISTURBED, ['--yes'], budgeted({}, UNDISTURBED));
    expect(whole.exit).toBe(EXIT.done);
  }, 60_000);

  it.each([
    ['before a context was measured', { calls: 14 }, 0],
    ['within the evaluation', { calls: 20 }, 0],
  ])(
    'ends with exit 3 and a valid partial result when the budget is reached %s, and a larger one goes on',
    async (when, budget, least) => {
      const first = await runAgainst(() => DIGIT, when, ['--yes'], budgeted(budget, when));
      expect(first.exit).toBe(EXIT.partial);
      expect(first.noted).toMatch(/The budget is reached.*raise `budget` and run again/);
      const partial = await readSummary(outOf(when));
      expect(partial.partial).toBe(true);
      expect(partial.arms.find(({ id }) => id === 'zero-output')!.positions).toBeGreaterThan(0);
      const simulated = partial.arms.filter(({ kind }) => kind === 'simulated');
      expect(simulated.reduce((sum, { positions }) => sum + positions, 0)).toBeGreaterThanOrEqual(least);

      const kept = await answers(when);
      expect(kept).toBe(first.requests);
      const second = await runAgainst(() => DIGIT, when, ['--yes'], budgeted({}, when));
      expect(second).toMatchObject({ exit: EXIT.done, requests: QUERIES - kept });
      for (const name of ['summary.json', 'positions.parquet']) {
        const [resumed, undisturbed] = [when, UNDISTURBED].map((each) => readFileSync(join(outOf(each), name)));
        expect(resumed!.equals(undisturbed!), name).toBe(true);
      }
    },
    60_000,
  );

  it('tells what it cost', async () => {
    const { counts } = await readManifest(outOf(UNDISTURBED));
    expect(counts.costUsd).toBeCloseTo((counts.tokensIn * 1000) / 1e6, 9);
    expect(counts.tokensIn).toBeGreaterThan(0);
  }, 60_000);

  it('shares the load of several endpoints, and goes on without one that is down', async () => {
    await using good = await startFaultServer(() => DIGIT);
    const endpoints = [{ baseUrl: 'http://me:hunter2@127.0.0.1:9/v1?key=token-9' }, { baseUrl: good.url }];
    const simulated = [{ ...ASKED.simulated[0], simulator: { kind: 'openai', model: 'm', endpoints } }];
    const path = writeExperiment(folder, 'two', { ...ASKED, simulated });
    const { exit, noted } = await runAgainst(() => DIGIT, 'two', ['--yes'], path);
    expect(noted).toMatch(/127\.0\.0\.1:9\/v1 is left aside/);
    expect(exit).toBe(EXIT.done);
    expect(good.received).toHaveLength(QUERIES);
    const [asked] = (await readWritten('two')).simulated;
    expect(asked!.asks!.addresses).toEqual(['http://127.0.0.1:9/v1', good.url]);
    expect(readFileSync(join(outOf('two'), 'manifest.json'), 'utf8')).not.toMatch(/hunter2|token-9/);
    expect(noted).not.toMatch(/hunter2|token-9/);
  }, 60_000);

  it('asks about many latents at once where it is told to', async () => {
    const simulator = { kind: 'openai', model: 'm', shape: { kind: 'many-latents' }, readOut: 'argmax' };
    const path = writeExperiment(folder, 'many', { ...ASKED, simulated: [{ ...ASKED.simulated[0], simulator }] });
    const { exit, requests, asked } = await runAgainst(() => ({ kind: 'list', digits: [7, 0] }), 'many', [], path);
    expect(exit).toBe(EXIT.done);
    expect(requests).toBe(QUERIES / 2);
    expect(asked).toEqual([expect.stringContaining(`${QUERIES / 2} queries`)]);
    const arm = (await readSummary(outOf('many'))).arms.find(({ kind }) => kind === 'simulated')!;
    expect(arm).toMatchObject({ missing: 0, simulator: 'openai:m/many-latents-16/argmax' });
  }, 60_000);
});

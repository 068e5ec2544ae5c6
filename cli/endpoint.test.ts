import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readManifest, readSummary } from '../eval/index.js';
import { type Behaviour, startFaultServer } from '../replacements/simulated/testing/fault-server.js';
import { main } from './dispatch.js';
import { EXIT } from './io.js';
import { fakeIo } from './testing/io.js';
import { SMALL, WORLD, writeExperiment } from './testing/small-experiment.js';

/** Two explained latents at one position of each of twelve contexts, six of them for calibration. */
const ASKED = {
  ...SMALL,
  texts: {
    ...SMALL.texts,
    calibration: { ...SMALL.texts.calibration, contexts: 6 },
    evaluation: { path: WORLD.evaluation, contexts: 6 },
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
) {
  await using server = await startFaultServer(behave);
  const environment = { PARTIAL_REWRITE_CACHE: cacheOf(name), OPENAI_BASE_URL: server.url, OPENAI_API_KEY: 'secret' };
  const io = fakeIo(environment, { answer: true });
  const exit = await main(['run', experiment, '--out', outOf(name), ...args], io);
  return { exit, noted: io.noted.join('\n'), asked: io.asked, requests: server.received.length };
}

const answers = (name: string) => readFileSync(join(cacheOf(name), 'ratings.jsonl'), 'utf8').split('\n').length - 2;

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
      const { exit, noted } = await runAgainst(() => behaviour, what);
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
    const kept = answers('midway');
    expect(kept).toBeGreaterThan(0);
    expect((await runAgainst(() => DIGIT, 'midway')).requests).toBe(QUERIES - kept);
  }, 60_000);
});

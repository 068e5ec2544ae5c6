import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readManifest, readSummary } from '../eval/index.js';
import { type Received, startFaultServer } from '../replacements/testing.js';
import { main } from './dispatch.js';
import { EXIT } from './io.js';
import { type Behave, commandAgainst } from './testing/against.js';
import { fakeIo } from './testing/io.js';
import { SMALL, WORLD, writeExperiment } from './testing/small-experiment.js';
import { readingModel, type Wanted, wantedBy } from './testing/writing-endpoint.js';

const LATENTS = 16;
/** Few latents, whose explanations the endpoint writes, mends and reads. */
const WRITTEN = {
  ...SMALL,
  texts: {
    evidence: { path: WORLD.evidence, from: 0, to: 6 },
    calibration: { path: WORLD.evidence, from: 30, to: 36, contexts: 2 },
    evaluation: { path: WORLD.evaluation, contexts: 2 },
  },
  coder: { train: { latents: LATENTS, k: 1, epochs: 1, batch: 256 } },
  simulated: [
    {
      simulator: { kind: 'openai', model: 'm' },
      explanations: { induce: { style: 'sentence', by: { kind: 'openai', model: 'm' }, refine: 1 } },
      calibrations: ['linear'],
      fractions: [1],
      shuffled: false,
    },
  ],
  controls: { ngram: [], meanLatents: false },
  resamples: 50,
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'writing-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const count = (received: readonly Received[], wanted: Wanted): number =>
  received.filter((each) => wantedBy(each) === wanted).length;

describe('an experiment whose explanations a language model writes', () => {
  const runOf = (behave: Behave, name: string, file: string) =>
    commandAgainst(behave, join(folder, name), ['run', file, '--out', join(folder, name, 'out')]);

  it('has them planned, confirmed, written, mended and read, and pays for none twice', async () => {
    const file = writeExperiment(folder, 'whole', WRITTEN);
    const first = await runOf(readingModel, 'whole', file);
    expect(first.exit, first.noted).toBe(EXIT.done);
    expect(first.noted).toMatch(
      /m writes explanations in style sentence of at most 16 latents: at most 64 texts and [\d,]+ answers of m/,
    );
    expect(first.noted).toMatch(/m explained \d+ of \d+ latents at layers\.1\.mlp/);
    expect(count(first.received, 'text')).toBeGreaterThan(4);
    expect(count(first.received, 'judgement')).toBeGreaterThan(100);
    expect(count(first.received, 'mended text')).toBeGreaterThan(0);
    expect(count(first.received, 'rating')).toBeGreaterThan(0);
    const planned = Number(/up to ([\d,]+) queries/.exec(first.confirmed[0]!)![1]!.replaceAll(',', ''));
    expect(first.received.length).toBeLessThanOrEqual(planned);
    expect([...first.counts.values()].every((times) => times === 1)).toBe(true);

    const { counts } = await readManifest(join(folder, 'whole', 'out'));
    expect(counts.queries).toBe(first.received.length);
    const { arms } = await readSummary(join(folder, 'whole', 'out'));
    expect(arms.find(({ kind }) => kind === 'simulated')).toMatchObject({ style: 'sentence', missing: 0 });
    const bytes = readFileSync(join(folder, 'whole', 'out', 'summary.json'));

    const again = await runOf(readingModel, 'whole', file);
    expect(again).toMatchObject({ exit: EXIT.done, received: [] });
    // Without the cached explanations they are written once more, from the answers that are stored.
    rmSync(join(folder, 'whole', 'cache', 'explanations'), { recursive: true });
    const replayed = await runOf(readingModel, 'whole', file);
    expect(replayed).toMatchObject({ exit: EXIT.done, received: [] });
    expect(readFileSync(join(folder, 'whole', 'out', 'summary.json')).equals(bytes)).toBe(true);

    // Once they are there, they can be scored; nobody has them written for a score, unasked.
    const scored = ['score', file, '--scores', 'detection', '--latents', '2', '--examples', '10', '--yes'];
    const score = (name: string) =>
      commandAgainst(readingModel, join(folder, name), [...scored, '--out', join(folder, name, 'scores')]);
    expect(await score('whole')).toMatchObject({ exit: EXIT.done });
    const unwritten = await score('unwritten');
    expect(unwritten).toMatchObject({ exit: EXIT.usage, received: [] });
    expect(unwritten.noted).toMatch(/m has not yet written .* sentence .*\n {2}.*run/);
  }, 120_000);
});

describe('the budget of an experiment', () => {
  it('ends the writing of explanations; their entry is not measured, and no secret of a writer is kept', async () => {
    await using server = await startFaultServer(readingModel);
    const endpoints = [{ baseUrl: 'http://me:hunter2@127.0.0.1:9/v1?key=token-9' }, { baseUrl: server.url }];
    const [entry] = WRITTEN.simulated;
    const out = join(folder, 'ended', 'out');
    const run = async (budget: object, by: object) => {
      const environment = { OPENAI_BASE_URL: server.url, OPENAI_API_KEY: 'secret' };
      const io = fakeIo({ PARTIAL_REWRITE_CACHE: join(folder, 'ended', 'cache'), ...environment }, { answer: true });
      const model = { kind: 'openai', model: 'm' };
      const induce = { ...entry!.explanations.induce, by: { ...model, ...by }, judge: model };
      const simulated = [{ ...entry, explanations: { induce } }];
      const file = writeExperiment(folder, 'ended', { ...WRITTEN, simulated, budget });
      const exit = await main(['run', file, '--out', out], io);
      return { exit, noted: io.noted.join('\n') };
    };
    const first = await run({ calls: 40 }, { endpoints });
    expect(first.exit).toBe(EXIT.partial);
    expect(first.noted).toMatch(/were not reached by the budget/);
    expect(first.noted).toMatch(/The budget is reached\. It did not suffice to measure sentence/);
    const { partial, arms } = await readSummary(out);
    expect(partial).toBe(true);
    expect(arms.filter(({ kind }) => kind === 'simulated')).toEqual([]);
    expect(server.received.length).toBeLessThanOrEqual(40);
    expect(`${first.noted}${readFileSync(join(out, 'manifest.json'), 'utf8')}`).not.toMatch(/hunter2|token-9|secret/);

    expect((await run({}, {})).exit).toBe(EXIT.done);
    expect([...server.counts.values()].every((times) => times === 1)).toBe(true);
  }, 120_000);
});

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readManifest, readSummary } from '../eval/index.js';
import { type Behaviour, type FaultServer, type Received, startFaultServer } from '../replacements/testing.js';
import { main } from './dispatch.js';
import { EXIT } from './io.js';
import { fakeIo } from './testing/io.js';
import { SMALL, WORLD, writeExperiment } from './testing/small-experiment.js';
import { readingModel, type Wanted, wantedBy } from './testing/writing-endpoint.js';

const LATENTS = 8;
/** Few latents, whose explanations the endpoint writes, mends and reads. */
const WRITTEN = {
  ...SMALL,
  texts: {
    evidence: { path: WORLD.evidence, from: 0, to: 15 },
    calibration: { path: WORLD.evidence, from: 30, to: 36, contexts: 2 },
    evaluation: { path: WORLD.evaluation, contexts: 2 },
  },
  coder: { train: { latents: LATENTS, k: 2, epochs: 1, batch: 256 } },
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

type Behave = (request: number, received: Received) => Behaviour;

/** Runs a command against a server, with a cache of its own name. */
async function commandAgainst(behave: Behave, name: string, args: readonly string[], options = {}) {
  await using server: FaultServer = await startFaultServer(behave);
  const environment = {
    PARTIAL_REWRITE_CACHE: join(folder, name, 'cache'),
    OPENAI_BASE_URL: server.url,
    OPENAI_API_KEY: 'secret',
  };
  const io = fakeIo(environment, { answer: true, ...options });
  const exit = await main(args, io);
  const { received, counts } = server;
  const asked = (wanted: Wanted): number => received.filter((each) => wantedBy(each) === wanted).length;
  return { exit, noted: io.noted.join('\n'), confirmed: io.asked, received, counts, asked };
}

describe('an experiment whose explanations a language model writes', () => {
  const runOf = (behave: Behave, name: string, file: string) =>
    commandAgainst(behave, name, ['run', file, '--out', join(folder, name, 'out')]);

  it('has them planned, confirmed, written, mended and read, and pays for none twice', async () => {
    const file = writeExperiment(folder, 'whole', WRITTEN);
    const first = await runOf(readingModel, 'whole', file);
    expect(first.exit, first.noted).toBe(EXIT.done);
    expect(first.noted).toMatch(
      /m writes explanations in style sentence of at most 8 latents: at most 32 texts and [\d,]+ answers of m/,
    );
    expect(first.noted).toMatch(/m explained \d of \d latents at layers\.1\.mlp/);
    expect(first.asked('text')).toBeGreaterThan(4);
    expect(first.asked('judgement')).toBeGreaterThan(100);
    expect(first.asked('mended text')).toBeGreaterThan(0);
    expect(first.asked('rating')).toBeGreaterThan(0);
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
  }, 120_000);
});

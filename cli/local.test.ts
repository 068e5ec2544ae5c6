import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readManifest, readSummary } from '../eval/index.js';
import { main } from './dispatch.js';
import { EXIT } from './io.js';
import { packageFolder } from './package.js';
import { fakeIo } from './testing/io.js';
import { SMALL, WORLD, writeExperiment } from './testing/small-experiment.js';

const SIMULATOR = join(packageFolder(), 'fixtures', 'world', 'simulator');
let folder: string;
const at = (...path: string[]) => join(folder, ...path);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'local-'));
  mkdirSync(at('prompts'));
  // The embedded model reads 512 tokens of one or two letters: our own prompts are too long for it.
  writeFileSync(at('prompts', 'last-token.system.txt'), 'Say a digit.');
  writeFileSync(
    at('prompts', 'last-token.user.txt'),
    '<explanation>{{explanation}}</explanation><text>{{text}}</text> Digit:',
  );
  const sentences = [1, 2].map((latent) => ({
    hookpoint: SMALL.hookpoint,
    latent,
    style: 'sentence',
    text: `Cats ${latent}.`,
    provenance: { by: 'hand' },
  }));
  writeFileSync(at('sentences.jsonl'), sentences.map((each) => `${JSON.stringify(each)}\n`).join(''));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function run(name: string, simulator: object) {
  const experiment = {
    ...SMALL,
    texts: {
      evidence: { ...SMALL.texts.evidence, to: 6 },
      calibration: { ...SMALL.texts.calibration, contexts: 4 },
      evaluation: { path: WORLD.evaluation, from: 0, to: 4, contexts: 4 },
    },
    simulated: [
      {
        style: 'sentence',
        simulator: { kind: 'local', model: WORLD.model, ...simulator },
        explanations: { file: 'sentences.jsonl' },
        calibrations: ['none'],
        fractions: [1],
        shuffled: false,
      },
    ],
  };
  const io = fakeIo({ PARTIAL_REWRITE_CACHE: at('cache') }, { answer: true });
  const exit = await main(['run', writeExperiment(folder, name, experiment), '--out', at(name)], io);
  return { exit, noted: io.noted.join('\n') };
}

describe('a language model on this machine as simulator', () => {
  it('answers every query, and none twice', async () => {
    const first = await run('first', { prompts: 'prompts' });
    expect(first.noted).not.toMatch(/Error/);
    expect(first.exit).toBe(EXIT.done);
    const { counts } = await readManifest(at('first'));
    expect(counts).toMatchObject({ queries: 16, ratings: 16, costUsd: 0 });
    const { arms } = await readSummary(at('first'));
    expect(arms.find(({ kind }) => kind === 'simulated')).toMatchObject({ simulator: 'local:story-world', asked: 8 });
    expect((await run('again', { prompts: 'prompts' })).exit).toBe(EXIT.done);
    expect((await readManifest(at('again'))).counts.queries).toBe(0);
    expect(readFileSync(at('again', 'summary.json')).equals(readFileSync(at('first', 'summary.json')))).toBe(true);
  }, 60_000);

  it('whose window is too short for a prompt is refused in two lines', async () => {
    const { exit, noted } = await run('long', {});
    expect(exit).toBe(EXIT.usage);
    expect(noted).toMatch(
      /^Asking about latent \d: A prompt has [\d,]+ (tokens|characters).*, .* made for at most 512.*\n {2}Show less text/m,
    );
  }, 60_000);

  it.each<[string, object, RegExp]>([
    [
      'asked as it was never taught',
      { model: SIMULATOR, shape: { kind: 'all-tokens' } },
      /^Asking about latent \d: The chat template in .*simulator refuses these messages: it rates the last token .*\.\n {2}Ask as/m,
    ],
    ['that is not there', { model: './no-such-model' }, /^There is no .*no-such-model, which .*\n {2}Give the folder/m],
  ])('%s is refused in two lines', async (_, simulator, found) => {
    const { exit, noted } = await run('refused', simulator);
    expect(exit).toBe(EXIT.usage);
    expect(noted).toMatch(found);
  });
});

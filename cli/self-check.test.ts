import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPlantedCheck } from '../eval/index.js';
import { main } from './dispatch.js';
import { EXIT } from './io.js';
import { packageFolder } from './package.js';
import { fakeIo } from './testing/io.js';
import { SMALL, WORLD, writeExperiment } from './testing/small-experiment.js';

const fixture = (...path: string[]) => join(packageFolder(), 'fixtures', 'world', ...path);
const explanations = { file: fixture('explanations', 'transcoder-pattern.jsonl') };

/** The embedded transcoder and its patterns, on text that these were not made from. */
const EMBEDDED = {
  ...SMALL,
  protocol: 'all',
  context: { min: 128, max: 128 },
  texts: {
    evidence: { path: WORLD.evidence, from: 0, to: 350 },
    calibration: { path: WORLD.evaluation, from: 0, to: 70 },
    evaluation: { path: WORLD.evaluation, from: 70, to: 80, contexts: 10 },
  },
  coder: { sparsify: fixture('coders', 'transcoder', SMALL.hookpoint) },
  simulated: [{ simulator: { kind: 'executable' }, explanations }],
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'self-check-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (...path: string[]) => join(folder, ...path);

async function selfCheck(experiment: object, ...args: readonly string[]) {
  const io = fakeIo({ PARTIAL_REWRITE_CACHE: at('cache') });
  const exit = await main(['self-check', writeExperiment(folder, 'experiment', experiment), ...args], io);
  return { exit, printed: io.printed.join('\n'), noted: io.noted.join('\n') };
}

describe('partial-rewrite self-check', () => {
  it('finds four in five of the errors planted in the embedded patterns, and four in five of its suspects are such', async () => {
    const { exit, printed, noted } = await selfCheck(EMBEDDED, '--draws', '2', '--seed', '3', '--out', at('out'));
    expect([exit, printed]).toEqual([EXIT.done, at('out', 'self-check.json')]);
    const { entries, share, draws } = await readPlantedCheck(at('out'));
    expect([share, draws, entries.length]).toEqual([0.1, 2, 1]);
    const [{ latents, recall, precision, reachesGoal, suspects }] = entries as [(typeof entries)[number]];
    expect(latents).toMatchObject({ explained: 1024 });
    expect(latents.judged).toBeGreaterThan(800);
    expect(recall.of).toBe(2 * Math.round(0.1 * latents.judged));
    expect(recall.share).toBeGreaterThan(0.8);
    expect(precision.share).toBeGreaterThan(0.8);
    expect(reachesGoal).toBe(true);
    // Of those that nobody spoiled, few.
    expect(suspects.length).toBeLessThan(0.05 * latents.judged);
    expect(noted).toMatch(/^narrowed +\d+ +0\.\d\d \[/m);
    expect(noted).toMatch(/Recall and precision reach 0\.8\.\nWith nothing planted, \d+ are suspect: \d+, /);
  }, 90_000);

  const asked = { ...EMBEDDED, simulated: [{ simulator: { kind: 'openai', model: 'm' }, explanations }] };
  it.each<[what: string, experiment: object, args: readonly string[], found: RegExp]>([
    [
      'explanations that nobody can run',
      asked,
      [],
      /^No chosen entry .* runs explanations as programs\.\n {2}Give one/,
    ],
    ['half of the explanations', EMBEDDED, ['--share', '0.5'], /^--share is 0\.5, not a share above 0 and below 0\.5/],
    ['no draws', EMBEDDED, ['--draws', '0'], /^--draws is 0, not a whole number/],
    ['an entry that there is not', EMBEDDED, ['--entry', 'prose'], /^No entry .* is called prose\./],
  ])('%s is refused in two lines', async (_, experiment, args, found) => {
    const { exit, printed, noted } = await selfCheck(experiment, ...args);
    expect([exit, printed]).toEqual([EXIT.usage, '']);
    expect(noted.split('\n').slice(-2).join('\n')).toMatch(found);
  });
});

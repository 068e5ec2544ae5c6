import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { EXIT } from './io.js';
import { bundlePackage } from './testing/bundled.js';
import { SMALL, WORLD, writeExperiment } from './testing/small-experiment.js';

/** Long enough under `all` that an interrupt falls into it. */
const LONG = {
  ...SMALL,
  protocol: 'all',
  context: { min: 48, max: 48 },
  texts: { ...SMALL.texts, evaluation: { path: WORLD.evaluation, from: 0, to: 100, contexts: 200 } },
};

/** Its explanations take far longer than anybody waits after Ctrl-C. */
const WORDY = {
  ...SMALL,
  coder: { train: { ...SMALL.coder.train, latents: 256, k: 16 } },
  simulated: [{ ...SMALL.simulated[0], explanations: { induce: { maxTokens: 4000 } } }],
};

let folder: string;
let experiment: { readonly long: string; readonly wordy: string };
let program: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'interrupt-'));
  experiment = { long: writeExperiment(folder, 'long', LONG), wordy: writeExperiment(folder, 'wordy', WORDY) };
  mkdirSync(join(folder, 'package'));
  program = fileURLToPath(await bundlePackage(join(folder, 'package'), 'cli/main.ts'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/**
 * Runs the command as a user does.
 * @param interruptWhen told all of stderr, every few milliseconds, until it is true once
 */
async function runCommand(file: string, out: string, cache: string, interruptWhen?: (stderr: string) => boolean) {
  const child = spawn(process.execPath, [program, 'run', file, '--out', out], {
    env: { ...process.env, PARTIAL_REWRITE_CACHE: cache },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (data) => {
    stderr += String(data);
  });
  child.stdout.resume();
  const ended = new Promise<number | null>((resolve) => child.on('close', (code) => resolve(code)));
  let stopping = 0;
  while (interruptWhen && child.exitCode === null) {
    if (interruptWhen(stderr)) {
      child.kill('SIGINT');
      stopping = performance.now();
      break;
    }
    await setTimeout(5);
  }
  const code = await ended;
  return { code, stderr, seconds: (performance.now() - stopping) / 1000 };
}

const lines = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8').split('\n').length - 1 : 0);
const isPartial = (out: string) =>
  z.looseObject({ partial: z.boolean() }).parse(JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8'))).partial;

describe('a run that is interrupted', () => {
  it('while measuring leaves a valid partial result and, run again, ends with the same bytes', async () => {
    const cache = join(folder, 'cache');
    const [calm, stopped] = [join(folder, 'calm'), join(folder, 'stopped')];
    expect(await runCommand(experiment.long, calm, cache)).toMatchObject({ code: EXIT.done });
    expect(existsSync(join(calm, 'journal.jsonl'))).toBe(false);

    const journal = join(stopped, 'journal.jsonl');
    const first = await runCommand(experiment.long, stopped, cache, () => lines(journal) > 5);
    expect(first).toMatchObject({ code: EXIT.interrupted, stderr: expect.stringContaining('partial') });
    expect(lines(journal)).toBeLessThan(LONG.texts.evaluation.contexts);
    expect(isPartial(stopped)).toBe(true);

    const kept = lines(journal);
    expect(await runCommand(experiment.long, stopped, cache)).toMatchObject({ code: EXIT.done });
    expect(kept).toBeGreaterThan(5);
    expect(isPartial(stopped)).toBe(false);
    expect(existsSync(journal)).toBe(false);
    for (const name of ['summary.json', 'positions.parquet', 'latents.parquet']) {
      expect(readFileSync(join(stopped, name)).equals(readFileSync(join(calm, name))), name).toBe(true);
    }
  }, 180_000);

  // A stage's line is written when it ends, so each of these falls into the next stage.
  it.each(['arms\n', 'Reading activations', 'Collecting evidence'])(
    'after "%s" ends soon and leaves no result',
    async (told) => {
      const name = told.replaceAll(/\W/g, '');
      const out = join(folder, name);
      const cache = join(folder, `cache-${name}`);
      const early = await runCommand(experiment.wordy, out, cache, (stderr) => stderr.includes(told));
      expect(early.code).toBe(EXIT.interrupted);
      expect(early.seconds).toBeLessThan(6);
      expect(early.stderr).not.toContain('Error');
      expect(existsSync(out)).toBe(false);
    },
    60_000,
  );
});

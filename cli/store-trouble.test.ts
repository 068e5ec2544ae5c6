import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openAnswers } from '../replacements/index.js';
import { type FaultServer, startFaultServer, truthfully } from '../replacements/testing.js';
import { main } from './dispatch.js';
import { EXIT } from './io.js';
import { writeAskedExperiment } from './testing/asked-experiment.js';
import { bundlePackage } from './testing/bundled.js';
import { fakeIo } from './testing/io.js';

let folder: string;
let server: FaultServer;
let experiment: ReturnType<typeof writeAskedExperiment>;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'store-trouble-'));
  server = await startFaultServer(truthfully);
  experiment = writeAskedExperiment(folder, 'asked', { latents: 4, calibrationContexts: 20, evaluationContexts: 4 });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const cacheOf = (name: string) => join(folder, name, 'cache');
const storeOf = (name: string) => join(cacheOf(name), 'answers');
const outOf = (name: string) => join(folder, name, 'out');
const environmentOf = (name: string) => ({
  PARTIAL_REWRITE_CACHE: cacheOf(name),
  OPENAI_BASE_URL: server.url,
  OPENAI_API_KEY: 'secret',
});
const runArguments = (name: string) => ['run', experiment.file, '--out', outOf(name), '--yes', '--threads', '1'];

async function command(name: string, ...args: string[]) {
  const before = server.received.length;
  const io = fakeIo(environmentOf(name));
  const exit = await main(args, io);
  return { exit, said: io.noted.at(-1) ?? '', requests: server.received.length - before };
}

async function kept(name: string): Promise<number> {
  const store = await openAnswers(storeOf(name));
  const count = await store.count();
  await store.close();
  return count;
}

describe('a store that cannot be used ends a run in two lines that say what to do', () => {
  it('when another version wrote it; it is left as it is, and nothing is asked', async () => {
    const marker = join(storeOf('version'), 'store.json');
    mkdirSync(storeOf('version'), { recursive: true });
    writeFileSync(marker, '{"schema":"partial-rewrite/answers@1"}\n');
    expect(await command('version', ...runArguments('version'))).toEqual({
      exit: EXIT.usage,
      said: expect.stringMatching(/^.*answers@1, not .*\n {2}Name another folder, or use the version that wrote it.*$/),
      requests: 0,
    });
    expect(readFileSync(marker, 'utf8')).toBe('{"schema":"partial-rewrite/answers@1"}\n');
    expect(existsSync(outOf('version'))).toBe(false);
  });

  it('while another run has it; a plan is told all the same', async () => {
    const store = await openAnswers(storeOf('held'));
    try {
      expect(await command('held', ...runArguments('held'))).toEqual({
        exit: EXIT.usage,
        said: expect.stringMatching(/^.*is in use by another run\.\n {2}Wait for that run to end.*$/),
        requests: 0,
      });
      expect((await command('held', 'plan', experiment.file)).exit).toBe(EXIT.done);
    } finally {
      await store.close();
    }
  });

  it('when the disk is full; what was kept is read, and with room only the rest is asked', async () => {
    mkdirSync(join(folder, 'package'));
    const program = fileURLToPath(await bundlePackage(join(folder, 'package'), 'cli/main.ts'));
    mkdirSync(cacheOf('full'), { recursive: true });
    // A limit on the size of a file stops writes as a full disk does, for this process alone. In blocks of 512 bytes.
    const limited = ['-c', 'ulimit -f 4 && exec "$0" "$@"', process.execPath, program, ...runArguments('full')];
    const child = spawn('sh', limited, {
      env: { ...process.env, ...environmentOf('full') },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let stderr = '';
    child.stderr.on('data', (data) => {
      stderr += String(data);
    });
    expect(await once(child, 'close')).toEqual([EXIT.usage, null]);
    expect(stderr).toMatch(/\nAn answer could not be kept in .*full.*\n {2}Free some space and run again: .*\n$/);
    expect(existsSync(join(outOf('full'), 'summary.json'))).toBe(false);

    const answered = await kept('full');
    expect(answered).toBeGreaterThan(0);
    expect(answered).toBeLessThan(experiment.queries);
    expect(await command('full', ...runArguments('full'))).toMatchObject({
      exit: EXIT.done,
      requests: experiment.queries - answered,
    });
    expect(await kept('full')).toBe(experiment.queries);
  }, 120_000);
});

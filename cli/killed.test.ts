import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../harness/index.js';
import { openAnswers, queryKey } from '../replacements/index.js';
import {
  type Behaviour,
  contentOf,
  digitFor,
  type FaultServer,
  type Received,
  startFaultServer,
} from '../replacements/testing.js';
import { EXIT } from './io.js';
import { writeAskedExperiment } from './testing/asked-experiment.js';
import { bundlePackage } from './testing/bundled.js';

const KILLS = 20;
const SIZE = { latents: 5, calibrationContexts: 12, evaluationContexts: 40, concurrency: 4 };
/** Contexts that a run measures at once, each with its queries. */
const CONTEXTS_AT_ONCE = 8;
const MODEL = 'm';

let folder: string;
let experiment: ReturnType<typeof writeAskedExperiment>;
let program: URL;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'killed-'));
  experiment = writeAskedExperiment(folder, 'asked', SIZE);
  mkdirSync(join(folder, 'package'));
  program = await bundlePackage(join(folder, 'package'), 'cli/testing/run-when-told.ts');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** So slow that a run is mostly asking. Like the answer, the time is the question's. */
const answerMs = (content: string): number => 20 + 60 * seededRandom(content).next();

function answerTo(content: string): Behaviour {
  const digit = digitFor(content);
  const probabilities = { [digit]: 0.7, [(digit + 3) % 10]: 0.2 };
  return { kind: 'slow', milliseconds: answerMs(content), answer: { kind: 'digits', probabilities } };
}

/** A timer counts from the start of the server's turn, so on a busy machine an answer may leave before its time. */
const EARLY_MS = 10;

/** Answers, and remembers when each query arrived, on the clock of `performance`. */
async function serve(): Promise<FaultServer & { readonly arrivals: readonly number[] }> {
  const arrivals: number[] = [];
  const server = await startFaultServer((_, received) => {
    arrivals.push(performance.now());
    return answerTo(contentOf(received));
  });
  return { ...server, arrivals };
}

/** When a run is killed: so long after so many of its queries were sent, those of the runs before among them. */
interface Moment {
  readonly queries: number;
  readonly laterMs: number;
}

/** Spread over all queries, and over the time between two. Rising, as each run goes on where the last one was killed. */
function drawMoments(queries: number): Moment[] {
  const random = seededRandom('moments of kills');
  const moments = Array.from({ length: KILLS }, () => ({
    queries: random.integer(queries),
    laterMs: 50 * random.next(),
  }));
  return moments.sort((a, b) => a.queries - b.queries);
}

/** A run's own process, which loads while the one before still works. */
interface Life {
  readonly child: ChildProcess;
  readonly loaded: Promise<unknown>;
}

class Runs implements AsyncDisposable {
  readonly out: string;
  readonly #cache: string;
  readonly #server: FaultServer;
  #next: Life;

  constructor(name: string, server: FaultServer) {
    this.out = join(folder, name, 'out');
    this.#cache = join(folder, name, 'cache');
    this.#server = server;
    this.#next = this.#load();
  }

  #load(): Life {
    const child = fork(program, {
      execArgv: [],
      env: {
        ...process.env,
        PARTIAL_REWRITE_CACHE: this.#cache,
        OPENAI_BASE_URL: this.#server.url,
        OPENAI_API_KEY: 'secret',
      },
    });
    const died = once(child, 'exit').then(() => Promise.reject(new Error('a run ended before it began')));
    const loaded = Promise.race([once(child, 'message'), died]);
    // The last one is not waited for.
    loaded.catch(() => {});
    return { child, loaded };
  }

  /** Starts the run, or goes on with it. */
  async begin(): Promise<{ readonly child: ChildProcess; readonly ended: Promise<unknown[]> }> {
    const { child, loaded } = this.#next;
    await loaded;
    const ended = once(child, 'exit');
    child.send(['run', experiment.file, '--out', this.out, '--yes', '--threads', '1']);
    this.#next = this.#load();
    return { child, ended };
  }

  /** Which of these questions the store holds an answer to. */
  async kept(asked: readonly Received[]): Promise<ReadonlySet<string>> {
    const path = join(this.#cache, 'answers');
    if (!existsSync(path)) return new Set();
    const store = await openAnswers(path);
    const has = await store.has(asked.map(keyOf));
    const kept = asked.filter((_, at) => has[at]).map(contentOf);
    expect(new Set(kept).size).toBe(await store.count());
    await store.close();
    return new Set(kept);
  }

  /** Contexts that count as measured. */
  measured(): number {
    const journal = join(this.out, 'journal.jsonl');
    return existsSync(journal) ? readFileSync(journal, 'utf8').split('\n').length - 2 : 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#next.child.kill('SIGKILL');
    await once(this.#next.child, 'exit');
  }
}

function keyOf({ messages }: Received): string {
  const [system, user] = messages.map(({ content }) => content);
  return queryKey(MODEL, { system: system!, user: user!, expects: { kind: 'digit' } }, 'distribution');
}

/**
 * What was under way at a kill may be asked once more, and nothing else: queries that were sent and whose answers were
 * not yet on the disk. Of these at most as many as may be sent at once had no answer yet. The others were answered
 * moments before, and their write, which several share, had not come back; until then an answer counts for nothing, and
 * so no context is measured with it. That bounds them too: a context is begun when another one has all its answers.
 */
describe('a run that is killed', () => {
  it(`${KILLS} times pays for nothing twice but what was under way, and ends with the same bytes`, async () => {
    await using calmServer = await serve();
    await using calm = new Runs('calm', calmServer);
    await using server = await serve();
    await using runs = new Runs('killed', server);

    expect(await (await calm.begin()).ended).toEqual([EXIT.done, null]);
    expect(calmServer.received).toHaveLength(experiment.queries);

    /** How often each question was under way at a kill. */
    const interrupted = new Map<string, number>();
    let kept: ReadonlySet<string> = new Set();
    for (const { queries, laterMs } of drawMoments(experiment.queries)) {
      const before = server.received.length;
      const { child, ended } = await runs.begin();
      // A first query shows that the run has come to where it goes on.
      const awaited = Math.min(Math.max(queries - kept.size, 1), experiment.queries - kept.size);
      while (server.received.length - before < awaited && child.exitCode === null) await setTimeout(1);
      await setTimeout(laterMs);
      const killed = performance.now();
      child.kill('SIGKILL');
      expect(await ended, `killed ${laterMs} ms after query ${queries}`).toEqual([null, 'SIGKILL']);
      // What lies in the socket still arrives.
      await setTimeout(20);

      kept = await runs.kept(server.received);
      const sent = server.received.map((received, at) => ({ content: contentOf(received), at: server.arrivals[at]! }));
      const underWay = sent.slice(before).filter(({ content }) => !kept.has(content));
      for (const { content } of underWay) interrupted.set(content, (interrupted.get(content) ?? 0) + 1);
      const unanswered = underWay.filter(({ content, at }) => at + answerMs(content) > killed + EARLY_MS);
      expect(unanswered.length).toBeLessThanOrEqual(SIZE.concurrency);
      expect(underWay.length).toBeLessThanOrEqual(CONTEXTS_AT_ONCE * SIZE.latents);
      const measured = runs.measured();
      if (measured > 0) {
        expect(kept.size).toBeGreaterThanOrEqual(SIZE.latents * (SIZE.calibrationContexts + measured));
      }
    }
    expect(kept.size).toBeGreaterThan(experiment.queries / 2);

    expect(await (await runs.begin()).ended).toEqual([EXIT.done, null]);
    expect(server.counts.size).toBe(experiment.queries);
    for (const [content, times] of server.counts) expect(times).toBe(1 + (interrupted.get(content) ?? 0));
    for (const name of ['summary.json', 'positions.parquet', 'latents.parquet']) {
      expect(readFileSync(join(runs.out, name)).equals(readFileSync(join(calm.out, name))), name).toBe(true);
    }
  }, 600_000);
});

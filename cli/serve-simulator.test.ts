import { setMaxListeners } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openModel, ortRuntime } from '../harness/index.js';
import {
  type Asker,
  type Expects,
  type LocalAsker,
  localAsker,
  openEndpoints,
  openShape,
  type Query,
  readPrompts,
  type ShapeConfig,
  type SlotAnswer,
} from '../replacements/index.js';
import { main } from './dispatch.js';
import { EXIT } from './io.js';
import { fakeIo } from './testing/io.js';

const WORLD = 'fixtures/world/model';
const SIMULATOR = 'fixtures/world/simulator';
const runtime = ortRuntime({ threads: 1 });
const { signal } = new AbortController();
// All queries under way listen to it.
setMaxListeners(0, signal);
const root = mkdtempSync(join(tmpdir(), 'serve-'));

/** A served model, the same one asked directly, and what ends the server. */
interface Served {
  readonly url: string;
  readonly local: LocalAsker;
  readonly noted: readonly string[];
  stop(): Promise<unknown>;
}
async function serve(folder: string): Promise<Served> {
  const interrupt = new AbortController();
  const io = fakeIo({}, { signal: interrupt.signal });
  const printed = new Promise<string>((resolve) => {
    io.print = resolve;
  });
  const ended = main(['serve-simulator', folder, '--port', '0', '--threads', '1'], io);
  const url = await Promise.race([printed, ended.then((exit) => Promise.reject(new Error(`${exit}: ${io.noted}`)))]);
  const local = await localAsker({ model: openModel(folder, { runtime }) });
  return {
    url,
    local,
    noted: io.noted,
    async stop() {
      interrupt.abort(new Error('interrupted'));
      await local.dispose();
      return ended;
    },
  };
}

let simulator: Served;
let world: Served;
beforeAll(async () => {
  simulator = await serve(SIMULATOR);
  world = await serve(WORLD);
});
afterAll(async () => {
  expect([await simulator.stop(), await world.stop()]).toEqual([EXIT.done, EXIT.done]);
  await expect(fetch(`${world.url}/models`)).rejects.toThrow();
  rmSync(root, { recursive: true });
});

/** Keeps nothing: what is kept is rounded to a few bytes. */
const FORGETFUL = { getOrAsk: <T>(_key: string, ask: () => Promise<T>) => ask() };
/** Asked through our own client of OpenAI's protocol. */
const endpoint = (url: string, model: string, expects: Expects['kind']) =>
  openEndpoints([{ baseUrl: url }], { model, store: FORGETFUL, signal, expects: [expects] });

/** Every probability of every slot, in order: what is compared. */
const probabilities = (answer: SlotAnswer | null): (readonly [value: number, probability: number])[][] => {
  if (answer?.kind !== 'rated') throw new Error('no ratings');
  return answer.slots.map((slot) => {
    if (slot === null) throw new Error('a rating is missing');
    return slot.values.map(({ value, probability }) => [value, probability] as const);
  });
};
async function largestDifference(queries: readonly Query[], one: Asker, other: Asker): Promise<number> {
  const ask = (asker: Asker) =>
    Promise.all(queries.map(async (query) => probabilities(await asker.ask(query, signal))));
  const [ours, theirs] = [await ask(one), await ask(other)];
  // A server shows twenty alternatives: a digit that is none of these must be as good as impossible.
  const differences = ours.flatMap((slots, at) =>
    slots.flatMap((values, slot) => {
      const there = new Map(theirs[at]![slot]!);
      return values.map(([value, probability]) => Math.abs(probability - (there.get(value) ?? 0)));
    }),
  );
  expect(differences.length).toBeGreaterThanOrEqual(10 * queries.length);
  return Math.max(...differences);
}

const TEXT = [
  '\n',
  ' Ned',
  ' sat',
  ' in',
  ' the',
  ' red',
  ' house',
  '.',
  '\n',
  ' "',
  'O',
  'h',
  ',"',
  ' said',
  ' the',
  ' cat',
];
const EXPLANATIONS = [
  'Fires on " the" after " in" (7), on " door" (3).',
  'Fires on " said" (1).',
  'Fires on "." (2), on " cat" after " the" (9), but not on "\\n".',
  'Never fires.',
];
/** Questions about all of a text's tokens, as a run puts them. */
function questions(config: ShapeConfig, prompts?: Awaited<ReturnType<typeof readPrompts>>): Query[] {
  const context = { id: 'test', tokens: Int32Array.from(TEXT, () => 0), text: TEXT };
  const explained = EXPLANATIONS.map((text, latent) => ({ latent, text }));
  return [...openShape(config, prompts).shape(context, [...TEXT.keys()], () => explained)].map(({ query }) => query);
}

describe('the embedded simulator behind the server', () => {
  it('gives digits the probabilities that it gives when it is asked directly', async () => {
    const asker = await endpoint(simulator.url, 'story-simulator', 'digit');
    const queries = questions({ kind: 'last-token' });
    expect(queries).toHaveLength(TEXT.length * EXPLANATIONS.length);
    expect(await largestDifference(queries, simulator.local, asker)).toBeLessThan(1e-5);
    expect(asker.usage.calls - asker.usage.probeCalls).toBe(queries.length);
    asker.close();
  });

  it('is told as what it is', () => {
    expect(simulator.noted.join('\n')).toMatch(/answers have at most 1 token, as its generation_config.json says/);
    expect(simulator.noted.join('\n')).toContain(`OPENAI_BASE_URL=${simulator.url}`);
  });
});

describe('a model that can be held to lists', () => {
  // The embedded model reads 512 tokens of one or two letters: our own prompts are too long for it.
  let prompts: Awaited<ReturnType<typeof readPrompts>>;
  beforeAll(async () => {
    const folder = join(root, 'prompts');
    mkdirSync(folder);
    for (const [name, text] of [
      ['many-latents.system', 'Rate.'],
      ['many-latents.user', '{{count}}<explanations>{{explanations}}</explanations><text>{{text}}</text>'],
      ['all-tokens.system', 'Rate.'],
      [
        'all-tokens.user',
        '{{count}}<explanation>{{explanation}}</explanation><before>{{before}}</before><tokens>{{tokens}}</tokens>',
      ],
    ] as const) {
      writeFileSync(join(folder, `${name}.txt`), text);
    }
    prompts = await readPrompts(folder);
  });
  it.each<ShapeConfig>([
    { kind: 'many-latents', latents: 2, seed: 0 },
    { kind: 'all-tokens', tokens: 8 },
  ])('gives every digit of one the same probabilities: $kind', async (shape) => {
    const asker = await endpoint(world.url, 'story-world', 'digits');
    expect(await largestDifference(questions(shape, prompts).slice(0, 6), world.local, asker)).toBeLessThan(1e-5);
    asker.close();
  });
});

describe('the server', () => {
  const post = (url: string, body: string, headers: Record<string, string> = { 'content-type': 'application/json' }) =>
    fetch(url, { method: 'POST', body, headers });

  it('is alive, and tells its model', async () => {
    const alive = await fetch(world.url.replace(/v1$/, 'health'));
    expect([alive.status, await alive.json()]).toEqual([200, { status: 'ok', model: 'story-world' }]);
    const models = await fetch(`${world.url}/models`);
    expect(await models.json()).toMatchObject({ data: [{ id: 'story-world' }] });
  });

  it.each<[string, () => Promise<Response>, number, RegExp]>([
    ['another path', () => post(`${world.url}/completions`, '{}'), 404, /nothing at \/v1\/completions/],
    ['another method', () => fetch(`${world.url}/chat/completions`), 405, /takes POST, not GET/],
    ['what is no JSON', () => post(`${world.url}/chat/completions`, '{'), 400, /no JSON/],
    ['a form', () => post(`${world.url}/chat/completions`, '{}', { 'content-type': 'text/plain' }), 415, /application/],
    ['far too much', () => post(`${world.url}/chat/completions`, ' '.repeat(2 ** 22 + 1)), 413, /bytes at most/],
    ['an empty request', () => post(`${world.url}/chat/completions`, '{}'), 400, /model/],
  ])('refuses %s, in the form of the API', async (_, ask, status, message) => {
    const response = await ask();
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({
      error: { type: 'invalid_request_error', message: expect.stringMatching(message) },
    });
  });

  it('listens on this machine only, unless told otherwise', () => {
    expect(world.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/v1$/);
  });

  const refused = async (...args: string[]) => {
    const io = fakeIo({});
    return { exit: await main(['serve-simulator', ...args], io), noted: io.noted.join('\n') };
  };
  it('refuses a port that is taken', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const bound = other.address();
    const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
    const { exit, noted } = await refused(SIMULATOR, '--port', String(port));
    expect(exit).toBe(EXIT.usage);
    expect(noted).toMatch(new RegExp(`127\\.0\\.0\\.1:${port} is taken by another program\\.\\n {2}Choose another`));
    other.close();
  });
  it.each([
    [['no-such-model'], /no-such-model/],
    [[SIMULATOR, '--port', '70000'], /not a whole number from 0 to 65535/],
    [[], /No model folder given/],
  ])('refuses %j', async (args, message) => {
    const { exit, noted } = await refused(...args);
    expect(exit).toBe(EXIT.usage);
    expect(noted).toMatch(message);
  });
});

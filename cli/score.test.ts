import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readScoreRows, readScores, type Scores } from '../eval/index.js';
import { openTokenizer } from '../harness/index.js';
import { openAnswers } from '../replacements/index.js';
import { type Behaviour, completionBody, startFaultServer } from '../replacements/testing.js';
import { main } from './dispatch.js';
import { readExperiment } from './experiment/file.js';
import type { Progress } from './experiment/progress.js';
import { readExperimentTexts } from './experiment/texts.js';
import { EXIT } from './io.js';
import { packageFolder } from './package.js';
import { fakeIo } from './testing/io.js';
import { SMALL, WORLD, writeExperiment } from './testing/small-experiment.js';

const fixture = (...path: string[]) => join(packageFolder(), 'fixtures', 'world', ...path);
const folder = mkdtempSync(join(tmpdir(), 'score-'));
const at = (...path: string[]) => join(folder, ...path);
/** Of the embedded explanations, as many as leave a choice of latents. */
const PATTERNS = at('patterns.jsonl');
const somePatterns = (count: number): string =>
  readFileSync(fixture('explanations', 'transcoder-pattern.jsonl'), 'utf8').split('\n').slice(0, count).join('\n');

/** The embedded transcoder and its patterns; text enough for a score. */
const EMBEDDED = {
  ...SMALL,
  texts: {
    evidence: { path: WORLD.evidence, from: 0, to: 8 },
    calibration: { path: WORLD.evidence, from: 1350, to: 1400 },
    evaluation: { path: WORLD.evaluation, from: 0, to: 4, contexts: 8 },
  },
  coder: { sparsify: fixture('coders', 'transcoder', SMALL.hookpoint) },
  simulated: [{ simulator: { kind: 'executable' }, explanations: { file: PATTERNS } }],
};
const READ = {
  ...EMBEDDED,
  simulated: [{ name: 'read', simulator: { kind: 'openai', model: 'm' }, explanations: { file: PATTERNS } }],
};
const FEW = ['--latents', '2', '--examples', '10'];
const BY_ENDPOINT = [...FEW, '--scores', 'detection,fuzzing'];

let embedded: string;
let read: string;
beforeAll(() => {
  writeFileSync(PATTERNS, somePatterns(150));
  embedded = writeExperiment(folder, 'embedded', EMBEDDED);
  read = writeExperiment(folder, 'read', READ);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
/** A cache with answers of its own; activations, which are the same for all, are shared. */
function cacheAt(name: string): string {
  if (existsSync(at(name))) return at(name);
  for (const each of [name, 'activations']) mkdirSync(at(each), { recursive: true });
  symlinkSync(at('activations'), at(name, 'activations'));
  return at(name);
}

/** Aborts when so many queries are answered. */
interface Stop {
  readonly after: number;
}

interface Run {
  readonly stop?: Stop;
  readonly cache?: string;
  readonly environment?: Record<string, string>;
  readonly signal?: AbortSignal;
}

async function score(args: readonly string[], { cache = 'cache', environment = {}, signal, stop }: Run = {}) {
  const stopping = new AbortController();
  const io = fakeIo(
    { PARTIAL_REWRITE_CACHE: cacheAt(cache), ...environment },
    signal ? { signal } : { answer: true, signal: stopping.signal },
  );
  /** By who is asked, how far its bar came: none where all answers were stored. */
  const queries = new Map<string, number>();
  const progress: Progress = (stage, _, unit) => ({
    at(done) {
      if (unit !== 'queries') return;
      queries.set(stage, done);
      if (stop !== undefined && done >= stop.after) stopping.abort();
    },
    end() {},
  });
  // Time goes by, so that bars move.
  const [began, since] = [io.now().getTime(), performance.now()];
  const now = () => new Date(began + 1000 * (performance.now() - since));
  const exit = await main(['score', ...args], { ...io, progress, now });
  return { exit, printed: io.printed.join('\n'), noted: io.noted.join('\n'), asked: io.asked, queries };
}

const groupOf = ({ scores }: Scores, score: string, shown = 'own') =>
  scores.find((each) => each.score === score && each.shown === shown)!;
const meanOf = (scores: Scores, score: string, shown?: string): number => groupOf(scores, score, shown).mean.mean!;

describe('partial-rewrite score', () => {
  let scores: Scores;
  let noted: string;
  const args = () => [embedded, '--latents', '8', '--examples', '40', '--out', at('embedded')];
  beforeAll(async () => {
    const outcome = await score(args());
    expect([outcome.exit, outcome.printed]).toEqual([EXIT.done, at('embedded', 'scores.json')]);
    scores = await readScores(at('embedded'));
    noted = outcome.noted;
  });

  it('finds induced patterns well above those of other latents, which are at chance', () => {
    for (const [id, least, chance] of [
      ['detection', 0.75, 0.5],
      ['fuzzing', 0.8, 0.5],
      ['simulation', 0.75, 0],
    ] as const) {
      expect(meanOf(scores, id)).toBeGreaterThan(least);
      expect(Math.abs(meanOf(scores, id, 'shuffled') - chance)).toBeLessThan(0.1);
      const { aboveShuffled, chance: stated, version } = groupOf(scores, id);
      expect(aboveShuffled).toMatchObject({ ci: [expect.any(Number), expect.any(Number)] });
      expect([stated, version]).toEqual([chance, 1]);
    }
  });

  it('scores latents without explanations by the embedder', () => {
    for (const id of ['intruder', 'decile intruder', 'example embedding']) {
      expect(groupOf(scores, id, 'none')).toMatchObject({
        entry: null,
        judge: 'token-statistics',
        aboveShuffled: null,
      });
      expect(meanOf(scores, id, 'none')).toBeGreaterThan(groupOf(scores, id, 'none').chance);
    }
  });

  it('says what it was made on, and counts what was asked', () => {
    expect(scores).toMatchObject({ partial: false, text: { part: 'calibration' }, window: 32 });
    const [about] = scores.hookpoints;
    expect(about!.latents).toMatchObject({ all: 1024, scored: 8 });
    const { firing, silent } = about!.examples;
    expect([firing.wanted, silent.wanted]).toEqual([8 * 40, 8 * 40]);
    expect(groupOf(scores, 'detection')).toMatchObject({
      asked: firing.drawn + silent.drawn,
      latents: 8,
      missing: {},
      undefined: {},
    });
  });

  it('states which metrics can tell on these examples', () => {
    const check = (name: string) => scores.metricChecks.find(({ metric }) => metric === name)!;
    expect(check('F1')).toMatchObject({ latents: 8, noticesMissingLabels: 8, noticesExtraLabels: 8 });
    expect(check('recall')).toMatchObject({ noticesMissingLabels: 8, noticesExtraLabels: 0 });
    expect(check('precision')).toMatchObject({ noticesMissingLabels: 0, noticesExtraLabels: 8 });
    expect(noted).toMatch(/^AUPRC@1 +0\.\d\d +0\.\d\d +8 of 8 +8 of 8$/m);
    expect(noted).toMatch(/^detection@1 +pattern +executable +8 +balanced accuracy +0\.\d\d \[/m);
  });

  it('has a row for each latent, score and reading', async () => {
    const rows = await readScoreRows(at('embedded'));
    expect(rows).toHaveLength(8 * (3 * 2 + 3));
    const own = rows.filter((row) => row.score === 'simulation' && row.shown === 'own');
    const mean = own.reduce((sum, { value }) => sum + value!, 0) / own.length;
    expect(mean).toBeCloseTo(meanOf(scores, 'simulation'), 12);
    expect(own[0]).toMatchObject({ style: 'pattern', why: null, f1: expect.any(Number), auprc: expect.any(Number) });
    expect(own[0]!.explanation).not.toBe('');
  });

  it('writes the same bytes again', async () => {
    const bytes = () =>
      ['scores.json', 'scores.parquet'].map((name) => readFileSync(at('embedded', name)).toString('hex'));
    const first = bytes();
    await score(args());
    expect(bytes()).toEqual(first);
  });

  it('scores explanations of other formats in their place, and names what does not match', async () => {
    writeFileSync(at('others.jsonl'), [somePatterns(100), '{"hookpoint": "layers.9.mlp"', ''].join('\n'));
    const other = ['--explanations', at('others.jsonl'), '--scores', 'fuzzing', '--out', at('others')];
    const { exit, noted: said } = await score([embedded, ...FEW, ...other]);
    expect(exit).toBe(EXIT.done);
    expect(said).toMatch(/^Left out as damaged: 1 /m);
    expect((await readScores(at('others'))).hookpoints[0]!.latents.explained).toBeLessThanOrEqual(100);
  });

  it('refuses explanations that were made from the text that they would be scored on', async () => {
    const { held } = await readExperimentTexts(await openTokenizer(SMALL.model), await readExperiment(embedded));
    const [line] = readFileSync(PATTERNS, 'utf8').split('\n');
    const peeked = { ...JSON.parse(line!), provenance: { by: 'hand', evidence: [...held.keys()][0] } };
    writeFileSync(at('peeked.jsonl'), JSON.stringify(peeked));
    const { exit, noted: said } = await score([embedded, ...FEW, '--explanations', at('peeked.jsonl')]);
    expect(exit).toBe(EXIT.usage);
    expect(said).toMatch(/1 of 1 explanations of .*peeked\.jsonl were made from the (evaluation|calibration) text/);
  });
});

/** Reads an explanation as a person might who only knows words: is any that it quotes in the text? */
function reader(content: string): boolean {
  const inside = (name: string) => content.split(`<${name}>\n`).at(-1)!.split(`\n</${name}>`)[0]!;
  const text = inside('text');
  const marked = [...text.matchAll(/<<(.*?)>>/gs)].map(([, token]) => token!);
  const quoted = [...inside('explanation').matchAll(/"([^"]+)"/g)].map(([, word]) => word!);
  return quoted.some((word) => (marked.length > 0 ? marked.includes(word) : text.includes(word)));
}
const opinion = (content: string): Behaviour => ({
  kind: 'digits',
  probabilities: reader(content) ? { Yes: 0.9, No: 0.1 } : { Yes: 0.2, No: 0.8 },
});

async function withEndpoint(
  args: readonly string[],
  cache: string,
  behave = (_: number, said: string) => opinion(said),
) {
  await using server = await startFaultServer((request, { messages }) =>
    behave(request, messages.map(({ content }) => content).join('\n')),
  );
  const environment = { OPENAI_BASE_URL: server.url, OPENAI_API_KEY: 'secret' };
  return { ...(await score(args, { cache, environment })), requests: server.received.length };
}

describe('an endpoint that judges', () => {
  it('is asked as often as the plan says, once, and finds what explanations are worth', async () => {
    const args = [read, ...BY_ENDPOINT, '--out', at('read')];
    const first = await withEndpoint(args, 'read-cache');
    expect(first.exit).toBe(EXIT.done);
    const scores = await readScores(at('read'));
    const asked = scores.scores.reduce((sum, each) => sum + each.asked, 0);
    expect(first.asked).toEqual([expect.stringContaining(`up to ${asked} queries`)]);
    expect(first.noted).toContain(`read: up to ${asked} queries to m`);
    expect(first.requests).toBeLessThanOrEqual(asked);
    expect(first.requests).toBeGreaterThan(0.9 * asked);
    expect(groupOf(scores, 'detection')).toMatchObject({ entry: 'read', judge: 'openai:m', missing: {} });
    // A reader of words alone can tell the right tokens.
    expect(meanOf(scores, 'fuzzing')).toBeGreaterThan(meanOf(scores, 'fuzzing', 'shuffled') + 0.2);
    const bytes = readFileSync(at('read', 'scores.json'));
    const again = await withEndpoint([...args, '--yes'], 'read-cache');
    expect(again).toMatchObject({ exit: EXIT.done, requests: 0, asked: [] });
    const offline = await score([...args, '--offline'], { cache: 'read-cache' });
    expect(offline).toMatchObject({ exit: EXIT.done, asked: [] });
    expect(readFileSync(at('read', 'scores.json')).equals(bytes)).toBe(true);
  }, 60_000);

  it('asks nobody where nobody agrees to it', async () => {
    const io = fakeIo({
      PARTIAL_REWRITE_CACHE: cacheAt('cache'),
      OPENAI_BASE_URL: 'http://127.0.0.1:9',
      OPENAI_API_KEY: 'x',
    });
    expect(await main(['score', read, ...BY_ENDPOINT], io)).toBe(EXIT.usage);
    expect(io.noted.at(-1)).toMatch(/queries were not confirmed; none was sent/);
  });

  it('can be a batch file, and offline counts what it does not answer as missing', async () => {
    const path = at('questions.jsonl');
    const args = [read, ...BY_ENDPOINT];
    expect(await score([...args, '--export', path])).toMatchObject({ exit: EXIT.done, printed: path });
    const bytes = readFileSync(path, 'utf8');
    await score([...args, '--export', path]);
    expect(readFileSync(path, 'utf8')).toBe(bytes);
    const requests = bytes
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));
    const answers = requests.slice(0, -5).map(({ custom_id, url, body: { messages } }) => {
      const content = messages.map((each: { content: string }) => each.content).join('\n');
      const said = opinion(content);
      if (said.kind !== 'digits') throw new Error(said.kind);
      return { custom_id, response: { status_code: 200, body: completionBody(said, url) }, error: null };
    });
    writeFileSync(at('answers.jsonl'), answers.map((line) => `${JSON.stringify(line)}\n`).join(''));
    const io = fakeIo({ PARTIAL_REWRITE_CACHE: cacheAt('cache') });
    expect(await main(['import-answers', at('answers.jsonl')], io)).toBe(EXIT.done);
    const { exit, noted } = await score([...args, '--offline', '--out', at('batch')]);
    expect(exit).toBe(EXIT.done);
    expect(noted).toContain('openai:m: 5 questions have no stored answer');
    const { scores } = await readScores(at('batch'));
    const missing = scores.reduce((sum, each) => sum + (each.missing['no stored answer'] ?? 0), 0);
    expect(missing).toBeGreaterThanOrEqual(5);
    expect(scores.every((each) => Object.keys(each.missing).every((why) => why === 'no stored answer'))).toBe(true);
  }, 60_000);

  it('ends with exit 3 and whole latents when the budget is reached, and a larger one goes on', async () => {
    const args = (budget: object) => {
      const file = writeExperiment(folder, 'budget', { ...READ, budget });
      return [file, ...BY_ENDPOINT, '--yes', '--out', at('budget')];
    };
    const first = await withEndpoint(args({ calls: 90 }), 'budget-cache');
    expect(first.exit).toBe(EXIT.partial);
    expect(first.noted).toMatch(/The budget is reached.*\nRaise `budget`/);
    const partial = await readScores(at('budget'));
    expect(partial.partial).toBe(true);
    expect(groupOf(partial, 'detection').latents).toBe(1);
    const second = await withEndpoint(args({}), 'budget-cache');
    expect(second.exit).toBe(EXIT.done);
    expect((await readScores(at('budget'))).partial).toBe(false);
  }, 60_000);

  it('stops at an interrupt with exit 130 and no result, and keeps what was answered', async () => {
    const controller = new AbortController();
    await using server = await startFaultServer((request, { messages }) => {
      if (request === 40) controller.abort();
      return opinion(messages.map(({ content }) => content).join('\n'));
    });
    const environment = { OPENAI_BASE_URL: server.url, OPENAI_API_KEY: 'secret' };
    const args = [read, ...BY_ENDPOINT, '--yes', '--out', at('interrupted')];
    const { exit } = await score(args, { cache: 'interrupted-cache', environment, signal: controller.signal });
    expect(exit).toBe(EXIT.interrupted);
    await expect(readScores(at('interrupted'))).rejects.toThrow(/not the result/);
    const store = await openAnswers(at('interrupted-cache', 'answers'));
    expect(await store.count()).toBeGreaterThan(0);
    await store.close();
  }, 60_000);
});

describe('scores of what is read and written', () => {
  const promotes = {
    name: 'promotes',
    simulator: { kind: 'local', model: SMALL.model },
    explanations: { induce: { style: 'output', maxTokens: 32 } },
  };
  const scored = async (id: string, simulated: unknown, ...size: readonly string[]): Promise<Scores> => {
    const file = writeExperiment(folder, id, { ...EMBEDDED, simulated });
    expect((await score([file, '--scores', id, ...size, '--out', at(id)])).exit).toBe(EXIT.done);
    return readScores(at(id));
  };
  const meanBy = ({ scores }: Scores, judge: string, shown: 'own' | 'shuffled') => {
    const { mean } = scores.find((each) => each.judge === judge && each.shown === shown)!;
    if (mean.mean === null) throw new Error(mean.why);
    return { value: mean.mean, ci: mean.ci };
  };

  it('find that steering writes what explanations of the effect name, and not what others name', async () => {
    const scores = await scored('intervention', [promotes], '--latents', '6', '--examples', '10');
    expect(meanBy(scores, 'token-cache', 'own').ci[0]).toBeGreaterThan(2);
    const chance = meanBy(scores, 'token-cache', 'shuffled');
    expect(chance.ci[0]).toBeLessThan(0);
    expect(chance.ci[1]).toBeGreaterThan(0);
    const kl = groupOf(scores, 'intervention').details['KL of steering']!;
    expect(kl.mean).toBeGreaterThan(0.5);
    expect(kl.mean).toBeLessThan(2);
    // The entry's own simulator is a language model, so it is surprised or not as well.
    const judges = new Set(scores.scores.map(({ judge }) => judge));
    expect([...judges].sort()).toEqual([expect.stringMatching(/^local:/), 'token-cache']);
    expect(scores.scores.every(({ asked, missing }) => asked === 6 * 8 * 2 && Object.keys(missing).length === 0)).toBe(
      true,
    );
  }, 60_000);

  it('read no text twice: a killed run goes on where it was, and a run again asks nothing and writes the same bytes', async () => {
    const simulated = [{ ...promotes, explanations: { file: PATTERNS } }];
    const file = writeExperiment(folder, 'reads', { ...EMBEDDED, simulated });
    const args = [file, '--latents', '2', '--examples', '10', '--scores', 'surprisal'];
    const run = (out: string, cache: string, stop?: Stop) =>
      score([...args, '--yes', '--out', at(out)], { cache, ...(stop && { stop }) });
    const bytesOf = (out: string) =>
      ['scores.json', 'scores.parquet'].map((name) => readFileSync(at(out, name)).toString('hex'));
    const answersIn = async (cache: string) => {
      const store = await openAnswers(at(cache, 'answers'));
      const count = await store.count();
      await store.close();
      return count;
    };

    expect(await run('whole', 'whole-cache')).toMatchObject({ exit: EXIT.done });
    const answers = await answersIn('whole-cache');
    const again = await run('again', 'whole-cache');
    expect([again.exit, again.queries.size]).toEqual([EXIT.done, 0]);
    expect(bytesOf('again')).toEqual(bytesOf('whole'));

    const killed = await run('killed', 'killed-cache', { after: 20 });
    expect(killed.exit).toBe(EXIT.interrupted);
    const kept = await answersIn('killed-cache');
    expect(kept).toBeGreaterThanOrEqual(20);
    expect(kept).toBeLessThan(answers);
    expect((await run('killed', 'killed-cache')).exit).toBe(EXIT.done);
    expect(await answersIn('killed-cache')).toBe(answers);
    expect(bytesOf('killed')).toEqual(bytesOf('whole'));
  }, 60_000);

  it('find that texts repeat what patterns of activating tokens quote', async () => {
    const scores = await scored('surprisal', EMBEDDED.simulated, '--latents', '8', '--examples', '20');
    const shuffled = meanBy(scores, 'token-cache', 'shuffled').value;
    expect(meanBy(scores, 'token-cache', 'own').value).toBeGreaterThan(shuffled + 0.05);
    expect(Math.abs(shuffled - 0.5)).toBeLessThan(0.1);
  }, 60_000);
});

describe('what is asked for and cannot be had', () => {
  it('explanations of which there are none are refused in two lines', async () => {
    const none = writeExperiment(folder, 'none', { ...EMBEDDED, simulated: [] });
    const { exit, noted } = await score([none, ...FEW, '--scores', 'surprisal']);
    expect(exit).toBe(EXIT.usage);
    expect(noted).toMatch(
      /^No entry of `simulated` reads explanations, which surprisal would score\.\n {2}Choose other/,
    );
  });
  it.each<[what: string, args: readonly string[], found: RegExp]>([
    [
      'a score that there is not',
      ['--scores', 'charm'],
      /^There is no score "charm"\.\n {2}Scores: detection, .*example-embedding\.$/,
    ],
    ['an entry that there is not', ['--entry', 'prose'], /^No entry .* is called prose\.\n {2}There are pattern\.$/],
    ['another text', ['--text', 'evidence'], /^--text is evidence, not calibration or evaluation\./],
    ['a window longer than the contexts', ['--window', '600'], /^--window is 600, and contexts have \d+ tokens\.\n/],
    ['no latents', ['--latents', '0'], /^--latents is 0, not a whole number/],
    ['questions of nobody', ['--export', 'x.jsonl'], /^No entry of `simulated` asks an endpoint/],
  ])('%s is refused in two lines', async (_, args, found) => {
    const { exit, noted, printed } = await score([embedded, ...FEW, ...args]);
    expect([exit, printed]).toEqual([EXIT.usage, '']);
    const message = noted.split('\n').slice(-2).join('\n');
    expect(message).toMatch(found);
  });
});

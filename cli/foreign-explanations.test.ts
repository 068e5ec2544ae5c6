import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { main } from './dispatch.js';
import { EXIT } from './io.js';
import { packageFolder } from './package.js';
import { fakeIo } from './testing/io.js';
import { SMALL, writeExperiment } from './testing/small-experiment.js';

const world = join(packageFolder(), 'fixtures', 'world');
const SENTENCES = join(world, 'explanations', 'transcoder-sentence.jsonl');
const COUNT = readFileSync(SENTENCES, 'utf8').trim().split('\n').length;

const folder = mkdtempSync(join(tmpdir(), 'foreign-'));
const at = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function command(...args: readonly string[]) {
  const io = fakeIo({ PARTIAL_REWRITE_CACHE: at('cache') });
  const exit = await main([...args], io);
  return { exit, printed: io.printed.join('\n'), noted: io.noted.join('\n') };
}

const planOf = (name: string, file: string, more: object = {}) =>
  command(
    'plan',
    writeExperiment(folder, name, {
      ...SMALL,
      coder: { sparsify: join(world, 'coders', 'transcoder', SMALL.hookpoint) },
      simulated: [{ style: 'sentence', simulator: { kind: 'openai', model: 'm' }, explanations: { file }, ...more }],
    }),
  );

beforeAll(async () => {
  for (const format of ['delphi', 'csv']) {
    const { exit, noted } = await command('convert', SENTENCES, '--to', format, '--out', at(format));
    expect(exit).toBe(EXIT.done);
    expect(noted).toContain(`${COUNT} explanations read as jsonl, written as ${format}.`);
  }
});

describe('explanations in the files of others', () => {
  it.each(['delphi', 'csv'])('of the format %s are planned for as our own', async (format) => {
    const [ours, theirs] = [await planOf('ours', SENTENCES), await planOf(format, at(format))];
    expect(theirs.printed).toBe(ours.printed);
    expect(theirs.printed).toContain(`${COUNT} latents`);
    expect(readdirSync(at('delphi')).length).toBeGreaterThanOrEqual(COUNT);
  });

  it('are used but for what is damaged, which is named', async () => {
    const file = at('damaged.jsonl');
    appendFileSync(file, readFileSync(SENTENCES, 'utf8'));
    appendFileSync(file, '{"hookpoint":"layers.1.mlp","latent":3,\n');
    appendFileSync(
      file,
      '{"hookpoint":"layers.1.mlp","latent":99999,"style":"sentence","text":"x","provenance":{"by":"y"}}\n',
    );
    const { exit, noted, printed } = await planOf('damaged', file);
    expect(exit).toBe(EXIT.done);
    expect(printed).toContain(`${COUNT} latents`);
    expect(noted).toMatch(/damaged\.jsonl: Left out as damaged: 1 \(damaged\.jsonl, line \d+ is not JSON/);
    expect(noted).toMatch(/damaged\.jsonl: Left out as no such latent: 1/);
  });

  it('are converted but for what is damaged, each of which is named; and what the format does not hold is said', async () => {
    const good = readFileSync(SENTENCES, 'utf8').split('\n').slice(0, 6);
    writeFileSync(at('five-bad.jsonl'), [...good, ...'abcde'].join('\n'));
    const { exit, noted } = await command('convert', at('five-bad.jsonl'), '--to', 'delphi', '--out', at('six'));
    expect(exit).toBe(EXIT.done);
    expect(noted.match(/^Left out as damaged: five-bad\.jsonl, line \d+ is not JSON: "[a-e]"$/gm)).toHaveLength(5);
    expect(noted).toContain('delphi holds nothing.');
    expect(noted).toContain('6 explanations read as jsonl, written as delphi; 5 left out.');
  });

  it('are refused where none is of the style that is asked for', async () => {
    const { exit, noted } = await planOf('wrong-style', at('csv'), { style: 'program' });
    expect(exit).toBe(EXIT.usage);
    expect(noted).toMatch(/has no explanation in the style program; there is sentence\./);
    expect(noted).toMatch(/Set the entry's `style`/);
  });

  it('are not converted into a format that is not known, or over something that is there', async () => {
    const unknown = await command('convert', SENTENCES, '--to', 'pickle', '--out', at('x'));
    expect([unknown.exit, unknown.noted]).toEqual([EXIT.usage, expect.stringContaining('There are jsonl, delphi')]);
    const there = await command('convert', SENTENCES, '--to', 'csv', '--out', at('csv'));
    expect([there.exit, there.noted]).toEqual([EXIT.usage, expect.stringContaining('Choose another path.')]);
  });
});

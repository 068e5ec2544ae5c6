import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { readLatents, readPositions, readSummary } from '../eval/index.js';
import { readExplanations } from '../explanations/index.js';
import { main } from './dispatch.js';
import { EXIT } from './io.js';
import { packageFolder } from './package.js';
import { fakeIo } from './testing/io.js';
import { WORLD } from './testing/small-experiment.js';

const docs = (name: string) => readFileSync(join(packageFolder(), 'docs', name), 'utf8');
const guide = docs('guide.md');
const commands = guide
  .split('\n')
  .filter((line) => line.startsWith('npx partial-rewrite '))
  .map((line) => line.split(' ').slice(2));

/** Beginnings of as many texts as the guide's experiment wants: nobody looks at the rest. */
const shortTexts = (): string[] =>
  z
    .array(z.string())
    .parse(JSON.parse(readFileSync(WORLD.evidence, 'utf8')))
    .slice(0, 280)
    .map((text) => text.slice(0, 250));

/** Enough to show that everything fits together, in seconds. What is given twice is taken as it was given last. */
const QUICK: Readonly<Record<string, readonly string[]>> = {
  train: ['--latents', '32', '--k', '4', '--epochs', '1', '--batch', '256', '--to', '100'],
  explain: ['--to', '15'],
};

let folder: string;
const at = (...path: string[]) => join(folder, ...path);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'guide-'));
  cpSync(WORLD.model, at('my-model'), { recursive: true });
  writeFileSync(at('my-texts.json'), JSON.stringify(shortTexts()));
  writeFileSync(at('my-run.yaml'), /```yaml\n(model: my-model[\s\S]*?)```/.exec(guide)![1]!);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a command of the guide in `folder`. */
async function run(args: readonly string[]) {
  const io = fakeIo({ PARTIAL_REWRITE_CACHE: at('cache') });
  const placed = args.map((arg) => (/^(my-|results\/)/.test(arg) ? at(arg) : arg));
  const exit = await main([...placed, ...(QUICK[args[0]!] ?? [])], io);
  return { exit, printed: io.printed.join('\n'), noted: io.noted.join('\n') };
}

describe("the guide's commands", () => {
  const told: Record<string, string> = {};
  it.each(commands.map((args) => [args.join(' '), args] as const))(
    '%s',
    async (_, args) => {
      if (args[0] === 'compare') cpSync(at('results/my-run'), at('results/my-other-run'), { recursive: true });
      const { exit, printed, noted } = await run(args);
      expect(noted).not.toMatch(/Error/);
      expect(exit).toBe(EXIT.done);
      told[args[0]!] = `${noted}\n${printed}`;
    },
    60_000,
  );

  it('are all the commands there are, but for the demo', () => {
    expect(new Set(commands.map(([name]) => name))).toEqual(
      new Set(['inspect', 'train', 'explain', 'plan', 'run', 'report', 'compare']),
    );
  });

  it('print tables, figures and paths', async () => {
    expect(told.inspect).toMatch(/layers\.1\.mlp +\d+ +\d\.\de[+-]\d+ +\d+\.\d+/);
    expect(told.train).toMatch(/FVU 0\.\d{4} over the last tenth of \d+ steps; \d+ of 32 latents dead/);
    expect(told.train).toContain(at('my-coder', 'layers.1.mlp'));
    expect(told.explain).toMatch(/\d+ of 32 latents explained .*, \d+\.\d tokens each on average, at most 16\./);
    expect(told.plan).toMatch(/^.*\d+ contexts, \d+ positions \(protocol last\), \d+ arms\n/m);
    expect(told.run).toMatch(/zero-output +[^\n]*\n/);
    expect(told.run).toContain(at('results/my-run'));
    expect(told.report).toContain(at('results/my-run/report.html'));
    expect(told.compare).toMatch(/coder +-?\d\.\d{3} .* -?\d\.\d{3} /);
  });

  it('leave what they say', async () => {
    expect(readdirSync(at('my-coder/layers.1.mlp')).sort()).toEqual(['cfg.json', 'sae.safetensors', 'training.json']);
    const explanations = await readExplanations(at('my-explanations.jsonl'), new Map([['layers.1.mlp', 32]]));
    expect(explanations.length).toBeGreaterThan(0);
    const summary = await readSummary(at('results/my-run'));
    expect(summary.partial).toBe(false);
    expect(summary.arms.find(({ kind }) => kind === 'original')!.deltaCe).toMatchObject({ mean: 0 });
  });
});

describe('inspect --json', () => {
  it('says of each hookpoint what it reads, writes and costs', async () => {
    const { printed } = await run(['inspect', 'my-model', '--json']);
    const { hookpoints, ...model } = JSON.parse(printed);
    expect(model).toMatchObject({
      model: 'story-world',
      architecture: 'gpt_neox',
      layers: hookpoints.length / 3,
      refused: [],
    });
    expect(Object.keys(hookpoints[0])).toEqual(['id', 'reads', 'writes', 'width', 'rejoined', 'silenced', 'rounding']);
    expect(Math.max(...hookpoints.map((each: { rejoined: number }) => each.rejoined))).toBeLessThanOrEqual(1e-4);
  });
});

describe('docs/result.md', () => {
  it('names every file and every column', async () => {
    const contract = docs('result.md');
    const files = readdirSync(at('results/my-run'));
    const [position] = await readPositions(at('results/my-run'));
    const [latent] = await readLatents(at('results/my-run'));
    const summary = await readSummary(at('results/my-run'));
    const keys = [position!, latent!, summary, summary.arms[0]!, summary.contrasts[0]!].flatMap(Object.keys);
    for (const name of [...files, ...keys]) expect(contract, name).toContain(name);
    expect(files).toHaveLength(7);
  });
});

describe('train and explain', () => {
  it('train no transcoder of the residual stream: it would copy its input', async () => {
    const { exit, noted } = await run([
      'train',
      'my-model',
      '--hookpoint',
      'layers.1',
      '--text',
      'my-texts.json',
      '--out',
      'my-copy',
    ]);
    expect(noted).toMatch(/layers\.1 is the residual stream .*\n {2}Train an SAE there/);
    expect(exit).toBe(EXIT.usage);
  });

  it('refuse to write over what is there, unless told to', async () => {
    for (const name of ['train', 'explain']) {
      const args = commands.find(([each]) => each === name)!;
      expect(await run(args)).toMatchObject({ exit: EXIT.usage, noted: expect.stringContaining('--force') });
      expect((await run([...args, '--force'])).exit).toBe(EXIT.done);
    }
  }, 60_000);
});

describe('flags of every command', () => {
  const hookpoints = async (...flags: string[]) =>
    JSON.parse((await run(['inspect', 'my-model', '--json', ...flags])).printed).hookpoints;

  it('--threads changes how fast, not what', async () => {
    const [one, two] = [await hookpoints('--threads', '1'), await hookpoints('--threads', '2')];
    const ids = (found: readonly { id: string }[]) => found.map(({ id }) => id);
    expect(ids(one)).toEqual(ids(two));
    expect(Math.max(...one.map((each: { rejoined: number }) => each.rejoined))).toBeLessThanOrEqual(1e-4);
  }, 60_000);

  it.each([['0'], ['many'], ['']])('--threads %s is refused', async (threads) => {
    const { exit, noted } = await run(['inspect', 'my-model', '--threads', threads]);
    expect(exit).toBe(EXIT.usage);
    expect(noted).toMatch(/--threads is .*, not a whole number/);
  });
});

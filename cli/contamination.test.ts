import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTexts } from '../harness/index.js';
import { main } from './dispatch.js';
import { EXIT } from './io.js';
import { fakeIo } from './testing/io.js';
import { SMALL, WORLD, writeExperiment } from './testing/small-experiment.js';

let folder: string;
const at = (...path: string[]) => join(folder, ...path);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'contamination-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** An experiment whose evidence is its own, and besides what `among` says. */
async function experimentWith(name: string, among: readonly string[], changes: object = {}): Promise<string> {
  const own = (await readTexts(WORLD.evidence)).slice(0, 30);
  writeFileSync(at(`${name}.json`), JSON.stringify([...own.slice(0, 15), ...among, ...own.slice(15)]));
  const texts = { ...SMALL.texts, evidence: { path: at(`${name}.json`) } };
  return writeExperiment(folder, name, { ...SMALL, texts, ...changes });
}

async function run(...args: string[]) {
  const io = fakeIo({ PARTIAL_REWRITE_CACHE: at('cache') });
  const exit = await main(args, io);
  return { exit, printed: io.printed.join('\n'), noted: io.noted.join('\n') };
}

const story = async (part: 'evaluation' | 'calibration') =>
  (await readTexts(part === 'evaluation' ? WORLD.evaluation : WORLD.evidence))[part === 'evaluation' ? 7 : 32]!;

describe('an experiment whose evidence has held text in it', () => {
  it.each(['evaluation', 'calibration'] as const)(
    'is refused, though no document is the same: %s',
    async (part) => {
      const file = await experimentWith(part, [`He read to her. "${await story(part)}" And then she slept.`]);
      for (const command of ['plan', 'run', 'score', 'cache']) {
        const { exit, noted } = await run(command, file);
        expect(exit).toBe(EXIT.usage);
        expect(noted).toMatch(new RegExp(`contexts of the evidence share .* \\(as in ${part} document \\d+\\)`));
        expect(noted.split('\n')).toHaveLength(2);
      }
    },
    60_000,
  );

  it('goes on without those contexts where it is told to, and says how many', async () => {
    const among = [`Listen: ${await story('evaluation')}`];
    const file = await experimentWith('told', among, { contamination: 'leave-out' });
    const { exit, noted } = await run('run', file, '--out', at('results'));
    expect(exit).toBe(EXIT.done);
    expect(noted).toMatch(/^\d+ of \d+ contexts of the evidence share text with what is held back: left out\.$/m);
  }, 60_000);

  it('is refused where nothing would be left', async () => {
    const evaluation = (await readTexts(WORLD.evaluation)).slice(0, 20).map((each) => `${each} `);
    writeFileSync(at('all.json'), JSON.stringify(evaluation));
    const texts = { ...SMALL.texts, evidence: { path: at('all.json') } };
    const file = writeExperiment(folder, 'all', {
      ...SMALL,
      texts,
      context: { min: 128, max: 128 },
      contamination: 'leave-out',
    });
    expect(await run('plan', file)).toMatchObject({
      exit: EXIT.usage,
      noted: expect.stringMatching(/^All \d+ contexts of the evidence share text/),
    });
  });
});

describe('explanations that were made from the evaluation text', () => {
  it('are refused by what they say of their making', async () => {
    const coder = ['--latents', '16', '--k', '4', '--epochs', '1', '--batch', '256', '--hookpoint', SMALL.hookpoint];
    await run('train', WORLD.model, '--text', WORLD.evidence, '--to', '30', '--out', at('coder'), ...coder);
    const made = ['--coder', at('coder', SMALL.hookpoint), '--style', 'frequency', '--length', '32'];
    const explain = (name: string, text: string, from: number, to: number) => {
      const part = ['--text', text, '--from', String(from), '--to', String(to), '--out', at(name)];
      return run('explain', WORLD.model, ...made, ...part);
    };
    const plan = (name: string) =>
      run(
        'plan',
        writeExperiment(folder, 'given', {
          ...SMALL,
          coder: { sparsify: at('coder', SMALL.hookpoint) },
          simulated: [
            { style: 'frequency', simulator: { kind: 'openai', model: 'm' }, explanations: { file: at(name) } },
          ],
        }),
      );
    await explain('evidence.jsonl', WORLD.evidence, 0, 30);
    expect((await plan('evidence.jsonl')).exit).toBe(EXIT.done);
    await explain('evaluation.jsonl', WORLD.evaluation, 0, 20);
    expect(await plan('evaluation.jsonl')).toMatchObject({
      exit: EXIT.usage,
      noted: expect.stringMatching(
        /^(\d+) of \1 explanations of .*evaluation\.jsonl were made from the evaluation text, .*\n.*$/,
      ),
    });
  }, 60_000);
});

import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { encodeSafetensors } from '../harness/index.js';
import { main } from './dispatch.js';
import { EXIT } from './io.js';
import { fakeIo } from './testing/io.js';
import { SMALL, WORLD, writeExperiment } from './testing/small-experiment.js';

const { hidden_size: WIDTH } = z
  .looseObject({ hidden_size: z.number() })
  .parse(JSON.parse(readFileSync(join(WORLD.model, 'config.json'), 'utf8')));
const NARROW = WIDTH / 2;

let folder: string;
const at = (...path: string[]) => join(folder, ...path);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bad-input-'));
  writeCoder('layers.1.mlp', WIDTH);
  writeCoder('narrow/layers.1.mlp', NARROW);
  writeCoder('torn/layers.1.mlp', WIDTH);
  const torn = at('torn/layers.1.mlp/sae.safetensors');
  writeFileSync(torn, readFileSync(torn).subarray(0, 1500));
  cpSync(WORLD.model, at('torn-model'), { recursive: true });
  const onnx = at('torn-model/onnx/model.onnx');
  writeFileSync(onnx, readFileSync(onnx).subarray(0, 300_000));
  writeFileSync(at('bad.yaml'), 'model: [1, 2\nhookpoint: x\n');
  const provenance = { by: 'hand' };
  const sentence = { hookpoint: 'layers.1.mlp', latent: 8, style: 'sentence', text: 'Names.', provenance };
  writeFileSync(at('beyond.jsonl'), `${JSON.stringify(sentence)}\n`);
  for (const coder of ['piped/layers.1.mlp', 'poured/layers.1.mlp']) writeCoder(coder, WIDTH);
  cpSync(WORLD.model, at('piped-model'), { recursive: true });
  makePipe('pipe.json');
  makePipe('pipe.jsonl');
  makePipe('piped/layers.1.mlp/cfg.json');
  makePipe('poured/layers.1.mlp/sae.safetensors');
  makePipe('piped-model/tokenizer.json');
  writeFileSync(at('fine.jsonl'), `${JSON.stringify({ ...sentence, latent: 3 })}\n`);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What a reader would wait for without end. */
function makePipe(name: string): void {
  rmSync(at(name), { force: true });
  execFileSync('mkfifo', [at(name)]);
}

/** A coder of 8 latents between `width` and `width`, all zeros. */
function writeCoder(name: string, width: number): void {
  mkdirSync(at(name), { recursive: true });
  const tensor = (of: string, ...shape: number[]) => ({
    name: of,
    shape,
    data: new Float32Array(shape.reduce((product, dim) => product * dim, 1)),
  });
  const tensors = [
    tensor('encoder.weight', 8, width),
    tensor('encoder.bias', 8),
    tensor('W_dec', 8, width),
    tensor('b_dec', width),
  ];
  writeFileSync(at(name, 'sae.safetensors'), encodeSafetensors(tensors));
  writeFileSync(at(name, 'cfg.json'), JSON.stringify({ k: 2, d_in: width, num_latents: 8, transcode: true }));
}

async function command(...args: string[]) {
  const io = fakeIo({ PARTIAL_REWRITE_CACHE: at('cache') });
  return { exit: await main(args, io), noted: io.noted, printed: io.printed };
}

const given = (name: string) => ({ ...SMALL, coder: { sparsify: at(name) } });
const askedBy = (simulator: object, file: string) => ({
  ...given('layers.1.mlp'),
  simulated: [{ style: 'sentence', simulator, explanations: { file: at(file) }, calibrations: ['linear'] }],
});
const OPENAI = { kind: 'openai', model: 'm' };

describe('a mistake in an experiment file is two lines, exit 2, and leaves nothing behind', () => {
  const cases: [what: string, experiment: () => object, found: RegExp, next: RegExp][] = [
    ['an unknown key', () => ({ ...SMALL, hookpiont: 'x' }), /hookpiont/, /docs\/experiment\.md/],
    ['a key that is missing', () => ({ ...SMALL, model: undefined }), /: model: /, /docs\/experiment\.md/],
    [
      'an unknown key far inside',
      () => ({ ...SMALL, texts: { ...SMALL.texts, evidence: { path: 'x', form: 3 } } }),
      /texts\.evidence: .*form/,
      /docs\/experiment\.md/,
    ],
    ['no model', () => ({ ...SMALL, model: at('nowhere') }), /nowhere/, /./],
    ['no text', () => ({ ...SMALL, texts: { ...SMALL.texts, evidence: { path: at('no.json') } } }), /no\.json/, /path/],
    [
      'a hookpoint that is not there',
      () => ({ ...SMALL, hookpoint: 'layers.9.mlp' }),
      /no hookpoint layers\.9\.mlp/,
      /layers\.0\.attn, layers\.0\.mlp, layers\.0, layers\.1\.attn/,
    ],
    [
      'a coder of another width',
      () => given('narrow/layers.1.mlp'),
      new RegExp(`width ${NARROW} to ${NARROW}; .* width ${WIDTH}`),
      /coder of this model/,
    ],
    [
      'a coder of another hookpoint',
      () => ({ ...given('layers.1.mlp'), hookpoint: 'layers.0.mlp' }),
      /trained on layers\.1\.mlp/,
      /layers\.0\.mlp/,
    ],
    ['a coder cut short', () => given('torn/layers.1.mlp'), /sae\.safetensors/, /./],
    ['a model cut short', () => ({ ...SMALL, model: at('torn-model') }), /model\.onnx/, /./],
    [
      'an explanation of a latent that is not there',
      () => askedBy({ kind: 'openai', model: 'm', baseUrl: 'http://127.0.0.1:9/v1' }, 'beyond.jsonl'),
      /beyond\.jsonl explains latent 8 of 8/,
      /explanations of this coder/,
    ],
    [
      'a pipe in the place of text',
      () => ({ ...SMALL, texts: { ...SMALL.texts, evidence: { path: at('pipe.json') } } }),
      /pipe\.json cannot be read: it is no plain file/,
      /path/,
    ],
    [
      'a pipe in the place of explanations',
      () => askedBy({ kind: 'openai', model: 'm', baseUrl: 'http://127.0.0.1:9/v1' }, 'pipe.jsonl'),
      /pipe\.jsonl: it is no plain file/,
      /path/,
    ],
    ["a pipe in the place of a coder's settings", () => given('piped/layers.1.mlp'), /cfg\.json/, /./],
    ["a pipe in the place of a coder's weights", () => given('poured/layers.1.mlp'), /sae\.safetensors/, /./],
    ['a pipe in the place of a tokenizer', () => ({ ...SMALL, model: at('piped-model') }), /tokenizer\.json/, /./],
    [
      'an unknown key of a coder',
      () => ({ ...SMALL, coder: { path: at('layers.1.mlp'), reeds: 'input' } }),
      /coder: .*reeds/,
      /docs\/experiment\.md/,
    ],
    [
      'a wrong value in a recipe',
      () => ({ ...SMALL, coder: { train: { k: -1 } } }),
      /coder\.train\.k: /,
      /docs\/experiment\.md/,
    ],
    [
      'text that is evaluated and explained from',
      () => ({ ...SMALL, texts: { ...SMALL.texts, evaluation: SMALL.texts.evidence } }),
      /evaluation text shares a document with the evidence text/,
      /evaluation documents that evidence does not have/,
    ],
    [
      'text beyond the file',
      () => ({ ...SMALL, texts: { ...SMALL.texts, evaluation: { path: WORLD.evaluation, from: 100_000 } } }),
      /none from 100000/,
      /`from`/,
    ],
  ];

  it.each(cases)('%s', async (_, experiment, found, next) => {
    const path = writeExperiment(at('experiments'), 'experiment', experiment());
    for (const args of [
      ['plan', path],
      ['run', path, '--out', at('out')],
    ]) {
      // A key is only looked for when it is about to be used.
      const io = fakeIo({ PARTIAL_REWRITE_CACHE: at('cache'), OPENAI_API_KEY: 'k' });
      const exit = await main(args, io);
      const [first, second, ...rest] = io.noted.join('\n').split('\n');
      expect(first).toMatch(found);
      expect(second).toMatch(/^ {2}\S/);
      expect(second).toMatch(next);
      expect(rest).toEqual([]);
      expect(exit).toBe(EXIT.usage);
      expect(io.printed).toEqual([]);
    }
    expect(existsSync(at('out'))).toBe(false);
    expect(existsSync(at('cache'))).toBe(false);
  });

  it('an endpoint that is not set is found by `run` before any work', async () => {
    const path = writeExperiment(at('experiments'), 'endpoint', askedBy(OPENAI, 'fine.jsonl'));
    expect(await command('run', path, '--out', at('out'))).toMatchObject({
      exit: EXIT.usage,
      noted: [expect.stringMatching(/^OPENAI_BASE_URL is not set\.\n {2}Set OPENAI_BASE_URL, or choose/)],
    });
    expect(existsSync(at('out'))).toBe(false);
  });

  it('queries that cost something are counted, and not sent when nobody says yes', async () => {
    const path = writeExperiment(at('experiments'), 'endpoint', askedBy(OPENAI, 'fine.jsonl'));
    const plan = await command('plan', path, '--json');
    const { paidQueries, queries } = JSON.parse(plan.printed.join('\n'));
    // One latent at one position of each context; a control asks the same, and what is paid for is paid once.
    const positions = queries[0].positions.evaluation + queries[0].positions.calibration;
    expect(paidQueries).toBe(positions);
    expect(queries[0].promptTokens / paidQueries).toBeGreaterThan(50);

    const io = fakeIo({ OPENAI_BASE_URL: 'http://127.0.0.1:9/v1', OPENAI_API_KEY: 'k' });
    expect(await main(['run', path, '--out', at('out')], io)).toBe(EXIT.usage);
    expect(io.asked).toEqual([expect.stringContaining(String(paidQueries))]);
    expect(io.noted.at(-1)).toMatch(/were not confirmed; none was sent\.\n {2}.*--yes/);
    expect(existsSync(at('out'))).toBe(false);
  });
});

describe('a mistake on the command line is two lines and exit 2', () => {
  it.each([
    ['an unknown command', ['rnu'], /no command "rnu"\.\n {2}Commands: demo, run, plan/],
    ['a name that every object has', ['constructor'], /no command "constructor"/],
    ['an unknown flag', ['plan', 'x.yaml', '--jsno'], /Unknown option '--jsno'\.\n {2}Usage: partial-rewrite plan/],
    ['a flag without its value', ['run', 'x.yaml', '--out'], /'--out <value>' argument missing\.\n {2}Usage/],
    ['no file', ['run'], /No experiment file given\.\n {2}Usage/],
    ['one argument too many', ['report', 'a', 'b'], /Unexpected argument b\.\n {2}Usage/],
    ['one run to compare', ['compare', 'a'], /No second result folder given\.\n {2}Usage/],
    ['a run and itself to compare', ['compare', 'a', './a/'], /a\/ is given twice.*\n {2}Name two results/],
    [
      'a file that is not there',
      ['run', 'nowhere.yaml'],
      /nowhere\.yaml cannot be read: there is no such file\.\n {2}Give the path/,
    ],
    ['a folder that holds no result', ['report', '.'], /not the result of a finished run.*\n {2}./],
    ['a model that is not there', ['inspect', 'nowhere'], /nowhere.*\n {2}./],
    ['training without a hookpoint', ['train', 'm', '--text', 't'], /No --hookpoint given\.\n {2}Usage/],
    [
      'a number that is none',
      ['train', 'm', '--hookpoint', 'layers.0', '--text', 't', '--out', 'o', '--k', 'x'],
      /--k is x, not a whole number of at least 1\.\n {2}Usage/,
    ],
    [
      'a coder of an unknown kind',
      ['train', 'm', '--hookpoint', 'layers.0', '--text', 't', '--out', 'o', '--kind', 'vae'],
      /--kind: .*transcoder.*\n {2}Usage/,
    ],
    [
      'a writer with a misspelt key',
      [
        ...['explain', 'm', '--coder', 'c', '--text', 't', '--out', 'o', '--style', 'sentence'],
        ...['--simulator', '{ kind: openai, mdel: x }'],
      ],
      /--simulator: model: .*; Unrecognized key: "mdel"\.\n {2}Usage/,
    ],
    ['explaining no coder', ['explain', 'm', '--text', 't', '--out', 'o'], /No --coder given\.\n {2}Usage/],
  ])('%s', async (_, args, message) => {
    const { exit, noted, printed } = await command(...args);
    expect(noted.join('\n')).toMatch(message);
    expect(noted.join('\n').split('\n')).toHaveLength(2);
    expect(exit).toBe(EXIT.usage);
    expect(printed).toEqual([]);
  });

  it('YAML that is none names the line', async () => {
    const { exit, noted } = await command('run', at('bad.yaml'));
    expect(noted.join('\n')).toMatch(/bad\.yaml is not YAML: .*line 2.*\n {2}./);
    expect(exit).toBe(EXIT.usage);
  });

  it('training refuses to write over what is there', async () => {
    const args = ['train', WORLD.model, '--hookpoint', 'layers.1.mlp', '--text', WORLD.evidence, '--out', folder];
    const before = readdirSync(at('layers.1.mlp'));
    expect(await command(...args)).toMatchObject({ exit: EXIT.usage, noted: [expect.stringMatching(/--force/)] });
    expect(readdirSync(at('layers.1.mlp'))).toEqual(before);
  });
});

describe('help', () => {
  it('is printed on stdout, for all commands and for one', async () => {
    const all = await command('--help');
    expect(all.exit).toBe(EXIT.done);
    expect(all.printed.join('\n')).toMatch(/partial-rewrite demo[\s\S]*partial-rewrite compare/);
    const one = await command('train', '--help');
    expect(one.printed.join('\n')).toMatch(/^partial-rewrite train <model> --hookpoint/);
    expect((await command()).exit).toBe(EXIT.usage);
  });
  it('is not needed to learn the version', async () => {
    expect((await command('--version')).printed).toEqual([expect.stringMatching(/^\d+\.\d+\.\d+$/)]);
  });
});

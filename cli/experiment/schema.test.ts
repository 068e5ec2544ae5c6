import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { packageFolder } from '../package.js';
import { parseExperiment } from './file.js';
import { experimentSchema, recipeSchema } from './schema.js';

const docs = join(packageFolder(), 'docs');
const guide = readFileSync(join(docs, 'experiment.md'), 'utf8');
const jsonSchema = z.toJSONSchema(experimentSchema, { io: 'input' });
const example = () => /```yaml\n(name: my-run[\s\S]*?)```/.exec(guide)![1]!;

/** Every name of a property anywhere in a JSON schema. */
function propertiesOf(schema: unknown): string[] {
  if (Array.isArray(schema)) return schema.flatMap(propertiesOf);
  if (typeof schema !== 'object' || schema === null) return [];
  return Object.entries(schema).flatMap(([key, value]) =>
    key === 'properties' ? [...Object.keys(value), ...Object.values(value).flatMap(propertiesOf)] : propertiesOf(value),
  );
}

describe('the experiment file', () => {
  it('has a published JSON schema that is up to date (`npx vitest -u` writes it)', async () => {
    await expect(`${JSON.stringify(jsonSchema, null, 2)}\n`).toMatchFileSnapshot(join(docs, 'experiment.schema.json'));
  });

  it('is documented key by key', () => {
    const undocumented = propertiesOf(jsonSchema).filter((key) => !new RegExp(`\\b${key}\\b`).test(guide));
    expect(undocumented).toEqual([]);
  });

  it('is documented by an example that uses every key it can, and parses', () => {
    const experiment = parseExperiment(example(), '/runs/my-run.yaml');
    expect(experiment).toMatchObject({
      name: 'my-run',
      model: '/models/my-model',
      texts: { evidence: { path: '/texts/corpus.jsonl', from: 0, to: 5000 } },
      simulated: [{ name: 'pattern-64' }, { explanations: { file: '/explanations/sentences.jsonl' } }, { style: null }],
    });
    const rare = [
      'tensors',
      'reads',
      'writes',
      'training',
      'train',
      'baseUrl',
      'rewrites',
      'budget',
      'prices',
      'usd',
      'tokens',
      'calls',
      'usdPerMillionIn',
      'usdPerMillionOut',
      'endpoints',
      'keyVariable',
      'shape',
      'latents',
      'by',
      'judge',
      'refine',
      'examples',
      'words',
      'readOut',
      'prompts',
      'extraBody',
      'expectedCallsPerSecond',
      'assume',
      'api',
      'topLogprobs',
      'structured',
      'temperature',
      'tokenLimit',
      'preambleTokens',
      'plan',
      'share',
      'imputations',
      'contrast',
      'fraction',
      'selection',
      'format',
      'layer',
      'inputScale',
      'sparsify',
      ...propertiesOf(z.toJSONSchema(recipeSchema, { io: 'input' })),
    ];
    const unused = propertiesOf(jsonSchema).filter((key) => !rare.includes(key) && !example().includes(`${key}:`));
    expect(unused).toEqual([]);
  });

  it('has the defaults that its documentation states', () => {
    const experiment = parseExperiment(
      'model: m\nhookpoint: layers.0\ncoder: { train: {} }\nsimulated: [{ simulator: { kind: executable } }]\n' +
        'texts: { evidence: { path: a.txt }, calibration: { path: b.txt }, evaluation: { path: c.txt } }',
      'x.yaml',
    );
    expect(experiment).toMatchObject({
      protocol: 'last',
      context: { min: 128, max: 128 },
      rewrites: [
        {
          hookpoint: 'layers.0',
          coder: {
            train: { kind: 'transcoder', latents: 1024, k: 16, skip: true, epochs: 10, batch: 2048, rate: 0.002 },
          },
        },
      ],
      simulated: [
        {
          style: 'pattern',
          explanations: null,
          calibrations: ['linear', 'none', 'quantile'],
          selections: ['top', 'sampled'],
          shuffled: true,
        },
      ],
      controls: { ngram: [1, 2, 3], meanLatents: true },
      missing: 'drop-position',
      seed: 0,
      resamples: 2000,
    });
  });

  it.each([
    ['neither a hookpoint nor rewrites', ''],
    ['a hookpoint without a coder', 'hookpoint: layers.0\n'],
    ['both', 'hookpoint: layers.0\ncoder: { train: {} }\nrewrites: [{ hookpoint: layers.1, coder: { train: {} } }]\n'],
    [
      'a hookpoint twice',
      'rewrites: [{ hookpoint: layers.1, coder: { train: {} } }, { hookpoint: layers.1, coder: { train: {} } }]\n',
    ],
  ])('refuses %s', (_, lines) => {
    const texts = 'texts: { evidence: { path: a }, calibration: { path: b }, evaluation: { path: c } }';
    expect(() => parseExperiment(`model: m\n${lines}${texts}`, 'x.yaml')).toThrow(
      expect.objectContaining({ code: 'EXPERIMENT_INVALID' }),
    );
  });

  it("takes a server's own options, and none that the program sets", () => {
    const withBody = (body: string) =>
      parseExperiment(
        'model: m\nhookpoint: layers.0\ncoder: { train: {} }\n' +
          `simulated: [{ simulator: { kind: openai, model: m, extraBody: ${body} } }]\n` +
          'texts: { evidence: { path: a.txt }, calibration: { path: b.txt }, evaluation: { path: c.txt } }',
        'x.yaml',
      );
    const own = withBody('{ chat_template_kwargs: { enable_thinking: false } }').simulated[0]!.simulator;
    expect(own).toMatchObject({ extraBody: { chat_template_kwargs: { enable_thinking: false } } });
    for (const name of ['model', 'messages', 'logprobs', 'temperature', 'stream']) {
      expect(() => withBody(`{ ${name}: 1 }`)).toThrow(
        expect.objectContaining({
          code: 'EXPERIMENT_INVALID',
          message: expect.stringMatching(new RegExp(`extraBody: \`${name}\` is set by the program.*\\n .*$`)),
        }),
      );
    }
  });

  it('gives an SAE no skip path, and refuses one that is asked for', () => {
    expect(recipeSchema.parse({ kind: 'sae' }).skip).toBe(false);
    expect(() => recipeSchema.parse({ kind: 'sae', skip: true })).toThrow(/copy its input/);
    expect(() => recipeSchema.parse({ k: 2000 })).toThrow(/larger than the number of latents/);
  });
});

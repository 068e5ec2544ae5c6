import { describe, expect, it } from 'vitest';
import { explanationSchema } from '../../explanations/index.js';
import { componentOutput, ortRuntime, seededRandom } from '../../harness/index.js';
import { openCoder } from '../coders/sparse-coder.js';
import { executable, fitNgramTable, synthetic } from '../simulated/index.js';
import { ngramPredictor } from '../simulated/predictor.js';
import { activationsOf, contextOf, randomActivations } from '../simulated/testing/contexts.js';
import { drawn, hookpointOf, tinyCoder, tinySite } from '../testing/coders.js';
import { mostlyAnswered, predictorOf } from '../testing/predictors.js';
import { replacementContract } from '../testing/replacement-contract.js';
import { truthOf } from '../truth.js';
import { coderArm } from './coder.js';
import { meanLatents } from './mean-latents.js';
import { meanOutput } from './mean-output.js';
import { original } from './original.js';
import { resampleOutput } from './resample-output.js';
import { rewriteArm } from './rewrite.js';
import { zeroLatents } from './zero-latents.js';
import { zeroOutput } from './zero-output.js';

const runtime = ortRuntime();
const LATENTS = 40;
const coder = await openCoder(runtime, tinyCoder({ latents: LATENTS }), hookpointOf());
const scale = new Float32Array(LATENTS).fill(3);
const all = new Uint8Array(LATENTS).fill(1);
const common = { coder, selected: all, missing: 'drop-position' } as const;
const pool = componentOutput(drawn('pool', 50 * 16), 50);

replacementContract('original', () => original);
replacementContract('zero-output', () => zeroOutput);
replacementContract('mean', () => meanOutput(drawn('mean', 16)));
replacementContract('resample', () => resampleOutput(pool, 3));
replacementContract('zero-latents', () => zeroLatents(coder));
replacementContract('control-mean-latents', () => meanLatents(coder, drawn('means', LATENTS).map(Math.abs)));
replacementContract('coder', () => coderArm(coder, truthOf(coder)));

replacementContract('executable explanations', () => {
  const explanations = new Map(
    [3, 8, 20].map((latent) => [
      latent,
      explanationSchema.parse({
        style: 'pattern',
        hookpoint: 'layers.1.mlp',
        latent,
        rules: [{ tokens: [[' a', ' c']], strength: 7 }],
        provenance: { by: 'test' },
      }),
    ]),
  );
  const predictor = predictorOf(coder, executable(), scale, explanations);
  return rewriteArm({ ...common, name: 'pattern', truth: truthOf(coder), predictor });
});

replacementContract('a synthetic simulator', () => {
  const options = {
    sensitivity: 0.5,
    specificity: 0.9,
    magnitudeCorrelation: 0.5,
    falseAlarms: 'own',
    seed: 2,
  } as const;
  const simulator = synthetic(options, { scale, observed: Array.from(scale, () => Float32Array.of(1, 2)) });
  return rewriteArm({
    ...common,
    name: 'synthetic',
    truth: truthOf(coder),
    predictor: predictorOf(coder, simulator, scale),
  });
});

describe.each(['drop-position', 'keep-truth'] as const)('under %s', (missing) => {
  replacementContract('a simulator that leaves ratings out', () => {
    const latents = Array.from({ length: LATENTS }, (_, latent) => latent);
    const texts = [tinySite(), tinySite('another', [' c', ' d', ' a'])].flatMap(({ context: { text }, positions }) =>
      positions.map((position) => text.slice(0, position + 1).join('')),
    );
    const simulator = mostlyAnswered(latents, texts, (latent, text) => ((latent + text) % 7 === 0 ? 'refused' : 2));
    const predictor = predictorOf(coder, simulator, scale);
    return rewriteArm({ ...common, name: 'scripted', truth: truthOf(coder), predictor, missing });
  });
});

replacementContract('a table of local context', () => {
  const context = contextOf([' a', ' b', ' c', ' a', ' d', ' b']);
  const activations = activationsOf(randomActivations(seededRandom('evidence'), 6, LATENTS, 0.7));
  const predictor = ngramPredictor(fitNgramTable({ contexts: [context], activations }, 2), LATENTS);
  return rewriteArm({ ...common, name: 'control-ngram-2', truth: truthOf(coder), predictor });
});

describe('baselines', () => {
  const site = tinySite();
  const live = new AbortController().signal;
  it('are what their names say', async () => {
    expect((await original.fill(site, live)).output.data).toEqual(site.output.data);
    expect((await zeroOutput.fill(site, live)).output.data).toEqual(new Float32Array(site.output.data.length));
    const mean = drawn('mean', 16);
    expect((await meanOutput(mean).fill(site, live)).output.data.subarray(32, 48)).toEqual(mean);
  });
  it('resample draws rows of the pool, differently at each position and for each seed', async () => {
    const { data } = (await resampleOutput(pool, 3).fill(site, live)).output;
    const rows = Array.from({ length: 5 }, (_, row) => data.subarray(row * 16, (row + 1) * 16).join());
    const known = Array.from({ length: 50 }, (_, row) => pool.data.subarray(row * 16, (row + 1) * 16).join());
    for (const row of rows) expect(known).toContain(row);
    expect(new Set(rows).size).toBeGreaterThan(1);
    expect((await resampleOutput(pool, 4).fill(site, live)).output.data).not.toEqual(data);
  });
  it('refuse what does not fit', async () => {
    await expect(meanOutput(new Float32Array(15)).fill(site, live)).rejects.toThrow('15 values for width 16');
    expect(() => resampleOutput(componentOutput(new Float32Array(0), 0), 1)).toThrow('no output to draw from');
    expect(() => meanLatents(coder, new Float32Array(3))).toThrow('3 means for 40 latents');
  });
});

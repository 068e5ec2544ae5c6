import { describe, expect, it } from 'vitest';
import { componentInput, componentOutput, ortRuntime, seededRandom } from '../../harness/index.js';
import {
  drawn,
  hookpointOf,
  largestGap,
  plainDecode,
  plainEncode,
  rowsOf,
  tinyCoder,
  weightsOf,
} from '../testing/coders.js';
import type { CoderSpec, SparsityRule } from './coder.js';
import { nothingFires, rowOf, sparsify } from './latent-rows.js';
import { encodedBy, openCoder } from './sparse-coder.js';

const runtime = ortRuntime();
const open = (spec: CoderSpec) => openCoder(runtime, spec, hookpointOf(spec.kind === 'sae' ? 'residual' : 'mlp'));
const input = componentInput(drawn('input', 7 * 16), 7);

/** The same coder with its latents in another order. */
function permuted(spec: CoderSpec, order: readonly number[]): CoderSpec {
  const { encoder, encoderBias, decoder } = weightsOf(spec);
  const rows = (data: ArrayLike<number>, width: number) => ({
    at: 'memory' as const,
    data: Float32Array.from(order.flatMap((from) => Array.from({ length: width }, (_, i) => data[from * width + i]!))),
  });
  return {
    ...spec,
    encoder: { ...rows(encoder, 16), rows: 'latent' },
    encoderBias: rows(encoderBias, 1),
    decoder: { ...rows(decoder, 16), rows: 'latent' },
  };
}

/** The same coder with every matrix lying the other way. */
function turned(spec: CoderSpec): CoderSpec {
  const { encoder, decoder, skip } = weightsOf(spec);
  const transpose = (data: ArrayLike<number>, rows: number, columns: number) => ({
    at: 'memory' as const,
    data: Float32Array.from({ length: rows * columns }, (_, i) => data[(i % rows) * columns + Math.floor(i / rows)]!),
  });
  return {
    ...spec,
    encoder: { ...transpose(encoder, spec.latents, 16), rows: 'input' },
    decoder: { ...transpose(decoder, spec.latents, 16), rows: 'output' },
    skip: skip && { ...transpose(skip, 16, 16), rows: 'input' },
  };
}

const drawnTensor = (label: string, length: number, scale: number) => ({
  at: 'memory' as const,
  data: drawn(label, length, scale),
});
const rules: readonly SparsityRule[] = [
  { kind: 'topk', k: 5 },
  { kind: 'groupmax', k: 8 },
  { kind: 'relu' },
  { kind: 'jumprelu', threshold: drawn('thresholds', 40, 0.5).map(Math.abs) },
  { kind: 'gated', gateBias: drawnTensor('gate', 40, 0.3), logMagnitude: drawnTensor('magnitude', 40, 0.4) },
];

describe.each(rules)('a coder of rule $kind', (sparsity) => {
  const cases: readonly (readonly [string, CoderSpec])[] = [
    ['a skip transcoder', tinyCoder({ sparsity })],
    ['an SAE', tinyCoder({ kind: 'sae', skip: false, sparsity })],
    ['a skip transcoder that lies the other way', turned(tinyCoder({ sparsity }))],
  ];
  it.each(cases)('encodes and decodes as plain float64 does: %s', async (_, spec) => {
    const coder = await open(spec);
    const weights = weightsOf(tinyCoder({ kind: spec.kind, skip: spec.skip !== null, sparsity }));
    const found = await coder.encode(input);
    const decoded = rowsOf(await coder.decode(found, input));
    rowsOf(input).forEach((x, position) => {
      const latents = plainEncode(weights, sparsity, spec.subtractsDecoderBias, x);
      const { ids, values } = rowOf(found, position);
      const expected = Array.from(latents.keys()).filter((latent) => latents[latent]! > 0);
      expect(expected.length).toBeGreaterThan(0);
      expect(Array.from(ids)).toEqual(expected);
      const strengths = expected.map((latent) => latents[latent]!);
      expect(largestGap(values, strengths)).toBeLessThan(1e-5);
      expect(largestGap(decoded[position]!, plainDecode(weights, latents, x))).toBeLessThan(1e-5);
    });
    await coder.dispose();
  });

  it('lets its own activations through when its rule is applied again', async () => {
    const coder = await open(tinyCoder({ sparsity }));
    const found = await coder.encode(input);
    for (let row = 0; row < 7; row++) {
      const own = rowOf(found, row);
      const again = sparsify(own, sparsity, 40);
      expect([Array.from(again.ids), Array.from(again.values)]).toEqual([Array.from(own.ids), Array.from(own.values)]);
    }
  });
});

describe('a coder that normalises what it reads', () => {
  const mean = (x: Float64Array) => x.reduce((a, b) => a + b) / x.length;
  const root = (x: Float64Array, divisor: number) => Math.sqrt(x.reduce((sum, value) => sum + value ** 2, 0) / divisor);
  /** Into the coder's units, and back. */
  const plain = {
    factor: () => [(v: number) => v * 3, (v: number) => v / 3],
    centre: (x: Float64Array) => [(v: number) => v - mean(x), (v: number) => v + mean(x)],
    'layer-norm': (x: Float64Array) => {
      const centre = mean(x);
      const deviation = root(
        x.map((value) => value - centre),
        15,
      );
      return [(v: number) => (v - centre) / (deviation + 1e-5), (v: number) => v * deviation + centre];
    },
    'constant-norm': (x: Float64Array) => {
      const norm = root(x, 1);
      return [(v: number) => (v * 4) / norm, (v: number) => (v * norm) / 4];
    },
  } as const;

  it.each([
    { normalization: { kind: 'factor', factor: 3 } },
    { normalization: { kind: 'centre' } },
    { normalization: { kind: 'layer-norm' } },
    { normalization: { kind: 'constant-norm' } },
  ] as const)('scales by $normalization.kind, and an SAE scales back', async ({ normalization }) => {
    const offset = componentInput(
      input.data.map((value) => 2 * value + 1),
      7,
    );
    for (const kind of ['sae', 'transcoder'] as const) {
      const spec = tinyCoder({ kind, normalization, skip: kind === 'transcoder' });
      const coder = await open(spec);
      const weights = weightsOf(spec);
      const found = await coder.encode(offset);
      const decoded = rowsOf(await coder.decode(found, offset));
      rowsOf(offset).forEach((x, position) => {
        const [into, back] = plain[normalization.kind](Float64Array.from(x));
        const latents = plainEncode(weights, spec.sparsity, kind === 'sae', Float64Array.from(x, into!));
        const sum = plainDecode({ ...weights, skip: null }, latents, x);
        // Only a factor is folded into both sides; a transcoder's output is another tensor than its input.
        const scaled = kind === 'sae' || normalization.kind === 'factor' ? sum.map(back!) : sum;
        const linear = plainDecode({ ...weights, decoderBias: new Float64Array(16) }, [], x);
        const expected = scaled.map((value, i) => value + (weights.skip ? linear[i]! : 0));
        expect(largestGap(decoded[position]!, expected)).toBeLessThan(1e-4);
      });
      await coder.dispose();
    }
  });
});

describe('activations in units of what they add', () => {
  const base = tinyCoder({ skip: false, sparsity: { kind: 'topk', k: 6 } });
  const { encoder, encoderBias, decoder } = weightsOf(base);
  const norms = Array.from({ length: 40 }, (_, latent) =>
    Math.hypot(...Array.from({ length: 16 }, (_, i) => decoder[latent * 16 + i]!)),
  );
  const perLatent = (data: ArrayLike<number>, factor: (latent: number) => number) => {
    const width = data.length / 40;
    return Float32Array.from(data, (value, i) => value * factor(Math.floor(i / width)));
  };

  it('are those of the coder with its norms folded in', async () => {
    const scaled = await open({ ...base, scalesByDecoderNorm: true });
    const folded = await open({
      ...base,
      encoder: { at: 'memory', data: perLatent(encoder, (latent) => norms[latent]!), rows: 'latent' },
      encoderBias: { at: 'memory', data: perLatent(encoderBias, (latent) => norms[latent]!) },
      decoder: { at: 'memory', data: perLatent(decoder, (latent) => 1 / norms[latent]!), rows: 'latent' },
    });
    const [one, other] = [await scaled.encode(input), await folded.encode(input)];
    expect(one.ids).toEqual(other.ids);
    expect(largestGap(one.values, other.values)).toBeLessThan(1e-5);
    expect(one.ids).not.toEqual((await (await open(base)).encode(input)).ids);
    expect(largestGap((await scaled.decode(one, input)).data, (await folded.decode(other, input)).data)).toBeLessThan(
      1e-5,
    );
    expect(largestGap(await scaled.decoderNorms(), new Float32Array(40).fill(1))).toBeLessThan(1e-5);
  });

  it('add nothing where a decoder row is 0, whatever is predicted', async () => {
    const silent = {
      at: 'memory',
      data: perLatent(decoder, (latent) => Number(latent !== 3)),
      rows: 'latent',
    } as const;
    const coder = await open({ ...base, decoder: silent, scalesByDecoderNorm: true });
    const latents = {
      positions: 1,
      latents: 40,
      rows: Uint32Array.of(0, 1),
      ids: Uint32Array.of(3),
      values: Float32Array.of(9),
    };
    const { data } = await coder.decode(latents, componentInput(input.data.slice(0, 16), 1));
    expect(largestGap(data, weightsOf(base).decoderBias)).toBeLessThan(1e-6);
  });

  it('are multiplied by a gain that was learnt after training, in the decoder alone', async () => {
    const gain = drawn('gain', 40).map(Math.abs);
    const coder = await open({ ...base, decoderGain: { at: 'memory', data: gain } });
    const plain = await open(base);
    const [found, same] = [await coder.encode(input), await plain.encode(input)];
    expect(found).toEqual(same);
    const raised = { ...same, values: same.values.map((value, i) => value * gain[same.ids[i]!]!) };
    expect(largestGap((await coder.decode(found, input)).data, (await plain.decode(raised, input)).data)).toBeLessThan(
      1e-5,
    );
    const expected = norms.map((norm, latent) => norm * gain[latent]!);
    expect(largestGap(await coder.decoderNorms(), expected)).toBeLessThan(1e-5);
  });
});

describe("an SAE of a component's output", () => {
  const spec = tinyCoder({ kind: 'sae', skip: false, encodes: 'output' });
  const output = componentOutput(drawn('output', 7 * 16), 7);

  it('encodes what the component writes, and says so', async () => {
    const coder = await openCoder(runtime, spec, hookpointOf('mlp'));
    expect(encodedBy(spec, { input, output })).toBe(output);
    expect(encodedBy(tinyCoder(), { input, output })).toBe(input);
    const found = await coder.encode(output);
    const plain = await open(tinyCoder({ kind: 'sae', skip: false }));
    expect(found).toEqual(await plain.encode(componentInput(output.data, 7)));
    await expect(coder.encode(input)).rejects.toThrow("encodes a component's output");
    await expect(coder.decode(found, input)).rejects.toThrow('is given what it reads');
  });
});

describe('many positions', () => {
  it('are encoded and decoded in stretches, as each position alone would be', async () => {
    const threshold = new Float32Array(4096).fill(1);
    const spec = tinyCoder({ latents: 4096, sparsity: { kind: 'jumprelu', threshold }, skip: false });
    const coder = await open(spec);
    const positions = 2100; // more than fit in one stretch of either
    const many = componentInput(drawn('many', positions * 16), positions);
    const found = await coder.encode(many);
    expect(found.ids.length).toBeGreaterThan(positions * 500);
    const { data } = await coder.decode(found, many);
    for (const position of [0, 1, 511, 1023, 2047, 2048, 2099]) {
      const alone = componentInput(many.data.slice(16 * position, 16 * position + 16), 1);
      const one = await coder.encode(alone);
      expect(Array.from(rowOf(found, position).ids)).toEqual(Array.from(one.ids));
      const gap = largestGap(data.subarray(16 * position, 16 * position + 16), (await coder.decode(one, alone)).data);
      expect(gap).toBeLessThan(1e-3);
    }
    const none = componentInput(new Float32Array(0), 0);
    expect((await coder.encode(none)).positions).toBe(0);
    expect((await coder.decode(await coder.encode(none), none)).shape[0]).toBe(0);
    await coder.dispose();
  });
});

describe('openCoder', () => {
  it.each([tinyCoder(), tinyCoder({ kind: 'sae', skip: false })])(
    'decodes the same whatever the order of its latents ($kind)',
    async (spec) => {
      const order = seededRandom('order').shuffle(Array.from({ length: spec.latents }, (_, latent) => latent));
      const [one, other] = [await open(spec), await open(permuted(spec, order))];
      const [here, there] = [await one.encode(input), await other.encode(input)];
      const renamed = Array.from(there.ids, (id) => order[id]!);
      expect(new Set(renamed)).toEqual(new Set(here.ids));
      expect([...there.rows]).toEqual([...here.rows]);
      expect(largestGap((await one.decode(here, input)).data, (await other.decode(there, input)).data)).toBeLessThan(
        1e-5,
      );
    },
  );

  it('fires at most k latents a position, all above 0', async () => {
    const found = await (await open(tinyCoder({ sparsity: { kind: 'topk', k: 3 } }))).encode(input);
    for (let row = 0; row < 7; row++) expect(found.rows[row + 1]! - found.rows[row]!).toBeLessThanOrEqual(3);
    expect(Math.min(...found.values)).toBeGreaterThan(0);
  });

  it('decodes positions where nothing fires to the bias and the skip path alone', async () => {
    const spec = tinyCoder({ skip: false });
    const { data } = await (await open(spec)).decode(nothingFires(7, spec.latents), input);
    for (let row = 0; row < 7; row++) {
      expect(largestGap(data.subarray(row * 16, (row + 1) * 16), weightsOf(spec).decoderBias)).toBeLessThan(1e-7);
    }
  });

  it('knows the norm of each decoder row', async () => {
    const spec = tinyCoder();
    const { decoder } = weightsOf(spec);
    const norms = await (await open(spec)).decoderNorms();
    const plain = Array.from({ length: spec.latents }, (_, latent) =>
      Math.hypot(...Array.from({ length: 16 }, (_, i) => decoder[latent * 16 + i]!)),
    );
    expect(largestGap(norms, plain)).toBeLessThan(1e-5);
  });

  it('knows what one unit of each latent adds', async () => {
    const spec = tinyCoder();
    const { decoder } = weightsOf(spec);
    const found = await (await open(spec)).decoderDirections(16);
    expect(found).toEqual({ width: 16, rows: Float32Array.from(decoder) });
  });

  it('projects wide ones, which keeps lengths on average', async () => {
    const spec = tinyCoder({ latents: 4000 });
    const { rows, width } = await (await open(spec)).decoderDirections(8);
    expect([width, rows.length]).toEqual([8, 8 * 4000]);
    const squared = (values: ArrayLike<number>) => Array.from(values).reduce((sum, value) => sum + value * value, 0);
    expect(squared(rows) / squared(weightsOf(spec).decoder)).toBeCloseTo(1, 0);
  });

  it('refuses rows that do not match', async () => {
    const coder = await open(tinyCoder());
    await expect(coder.decode(nothingFires(6, 40), input)).rejects.toThrow('6 rows of latents beside 7 of input');
  });

  it.each([
    ['another width', tinyCoder({ width: 8 }), hookpointOf('mlp'), 'CODER_WIDTH'],
    ['another hookpoint', { ...tinyCoder(), hookpoint: 'layers.2.mlp' }, hookpointOf('mlp'), 'CODER_HOOKPOINT'],
    ['an SAE at an MLP', tinyCoder({ kind: 'sae' }), hookpointOf('mlp'), 'CODER_KIND'],
    ['an SAE at an attention', tinyCoder({ kind: 'sae' }), hookpointOf('attention'), 'CODER_KIND'],
    ['a transcoder at the residual stream', tinyCoder(), hookpointOf('residual'), 'CODER_KIND'],
    [
      "an output's SAE at the residual stream",
      tinyCoder({ kind: 'sae', encodes: 'output' }),
      hookpointOf('residual'),
      'CODER_KIND',
    ],
  ])('refuses %s', async (_, spec, at, code) => {
    await expect(openCoder(runtime, spec, at)).rejects.toMatchObject({ code });
  });
});

import { existsSync } from 'node:fs';
import { create } from '@bufbuild/protobuf';
import { afterAll, describe, expect, it } from 'vitest';
import type { Context } from '../context.js';
import { UsageError } from '../errors.js';
import { StringStringEntryProtoSchema, TensorProto_DataLocation } from '../onnx/proto/onnx_pb.js';
import { seededRandom } from '../random.js';
import { ortRuntime } from '../runtime/index.js';
import { type ComponentOutput, componentOutput } from '../tensor.js';
import { openCut } from './cut.js';
import { type Inspection, inspectModel } from './inspect.js';
import { openModel } from './open.js';
import { wholeLogits } from './pieces.js';
import { argMax, crossEntropy, divergence, editedLogits, row } from './test-measures.js';
import { modelFolders, muted, parallelWithCache, sequential, unnamed } from './test-models.js';

const folders = modelFolders();
afterAll(() => folders.remove());
const runtime = ortRuntime();

const parallel = folders.write('parallel', 'gpt_neox', parallelWithCache());
const sequentialCached = folders.write('sequential', 'llama', sequential({ cache: true }));
const sequentialPlain = folders.write('plain', 'llama', sequential({ cache: false }));
const nameless = folders.write('nameless', 'unheard-of', unnamed(sequential({ cache: true })));
const STORIES = '../shared/models/stories260K';
const WORLD = 'fixtures/world/model';
const tiny = [parallel, sequentialCached, sequentialPlain, nameless];

const seeded = (label: string, length: number, vocabulary = 50): Context => {
  const random = seededRandom(label);
  const tokens = Int32Array.from({ length }, () => random.integer(vocabulary));
  return { id: label, tokens, text: Array.from(tokens, String) };
};
const noise = (label: string, rows: number, width: number, scale = 1): ComponentOutput => {
  const random = seededRandom(label);
  return componentOutput(
    Float32Array.from({ length: rows * width }, () => scale * random.normal()),
    rows,
  );
};

describe('the wiring', () => {
  it.each([
    ...tiny.map((folder) => ({ folder, layers: 3 })),
    { folder: WORLD, layers: 3 },
    // Un-skip when the model lies beside the project.
    ...(existsSync(STORIES) ? [{ folder: STORIES, layers: 5 }] : []),
  ])('rejoins within 1e-4 and is heard at every hookpoint of $folder', async ({ folder, layers }) => {
    const inspection: Inspection = await inspectModel(folder, { runtime });
    expect(inspection.hookpoints).toHaveLength(3 * layers);
    for (const { rejoined, silenced } of inspection.hookpoints) {
      expect(rejoined).toBeLessThanOrEqual(1e-4);
      expect(silenced).toBeGreaterThan(0.01);
    }
  });

  it('is refused where the edit reaches nothing', async () => {
    const { model, hookpoint } = muted();
    const opened = openModel(folders.write('mute', 'llama', model), { runtime, hookpoints: [hookpoint] });
    await expect(openCut(opened, 'layers.1.mlp')).rejects.toMatchObject({ code: 'CUT_IS_INERT' });
  });

  it('refuses tensors of another shape', async () => {
    const gate = '/model/layers.1/mlp/MatMul_output_0';
    const opened = openModel(sequentialPlain, {
      runtime,
      hookpoints: [{ hookpoint: 'layers.1.mlp', reads: gate, writes: gate }],
    });
    await expect(openCut(opened, 'layers.1.mlp')).rejects.toMatchObject({
      code: 'HOOKPOINT_SHAPE',
      found: expect.stringContaining('[2,24,24], not [batch, sequence, 16]'),
    });
  });
});

describe('a model', () => {
  it('may keep its weights in a file beside it', async () => {
    const model = parallelWithCache();
    const parts: Uint8Array[] = [];
    let offset = 0;
    for (const tensor of model.graph?.initializer ?? []) {
      if (tensor.rawData.byteLength < 64) continue;
      const entries = {
        location: 'model.onnx_data',
        offset: String(offset),
        length: String(tensor.rawData.byteLength),
      };
      parts.push(tensor.rawData);
      offset += tensor.rawData.byteLength;
      tensor.externalData = Object.entries(entries).map(([key, value]) =>
        create(StringStringEntryProtoSchema, { key, value }),
      );
      tensor.dataLocation = TensorProto_DataLocation.EXTERNAL;
      Reflect.deleteProperty(tensor, 'rawData');
    }
    const folder = folders.write('beside', 'gpt_neox', model, { 'model.onnx_data': Buffer.concat(parts) });
    const [beside, inside] = [
      await openCut(openModel(folder, { runtime }), 'layers.1.mlp'),
      await openCut(openModel(parallel, { runtime }), 'layers.1.mlp'),
    ];
    expect(beside.wiring).toEqual(inside.wiring);
  });

  it('that onnxruntime does not take is refused with the reason', async () => {
    const model = parallelWithCache();
    const final = model.graph?.node.find(({ name }) => name.includes('final_layer_norm'));
    if (final) final.opType = 'Mystery';
    const folder = folders.write('mystery', 'gpt_neox', model);
    await expect(openCut(openModel(folder, { runtime }), 'layers.1.mlp')).rejects.toMatchObject({
      code: 'MODEL_REFUSED',
      message: expect.stringMatching(/^[^\n]*Mystery[^\n]*\n {2}[^\n]+$/),
    });
  });
});

describe('read', () => {
  it('gives what the component reads and writes at all positions, whatever is read with it', async () => {
    const cut = await openCut(openModel(parallel, { runtime }), 'layers.1.mlp');
    const contexts = [seeded('a', 9), seeded('b', 5), seeded('c', 9)];
    const together = await cut.read(contexts);
    expect(together.map(({ input, output }) => [input.shape, output.shape])).toEqual(
      [9, 5, 9].map((length) => [
        [length, 16],
        [length, 16],
      ]),
    );
    for (const [at, context] of contexts.entries()) {
      const [alone] = await cut.read([context]);
      expect(largestGap(alone!.output.data, together[at]!.output.data)).toBeLessThan(1e-5);
      const { site } = await cut.begin(context, 'all');
      expect(largestGap(alone!.input.data.slice(0, site.input.data.length), site.input.data)).toBeLessThan(1e-5);
    }
  });
});

describe('protocol last', () => {
  it('fills the second-to-last token, whose next token is the last', async () => {
    const cut = await openCut(openModel(parallel, { runtime }), 'layers.1.mlp');
    const { site, original } = await cut.begin(seeded('site', 12), 'last');
    expect(site.positions).toEqual([10]);
    expect(site.input.shape).toEqual([1, 16]);
    expect(site.output.shape).toEqual([1, 16]);
    expect(original.ce).toHaveLength(1);
  });

  it.each([
    [parallel, 'layers.0.mlp'],
    [parallel, 'layers.1'],
    [parallel, 'layers.2.mlp'],
    [sequentialCached, 'layers.0.mlp'],
    [sequentialCached, 'layers.1.mlp'],
    [sequentialCached, 'layers.0'],
    [nameless, 'layers.1.mlp'],
  ])(
    'with keys and values reused equals the whole context within 1e-4, at one token an arm: %s %s',
    async (folder, id) => {
      const model = openModel(folder, { runtime });
      const fast = await openCut(model, id);
      const slow = await openCut(model, id, { reuse: false });
      expect(fast.reuse).toEqual({ available: true });
      for (const length of [2, 3, 40]) {
        const context = seeded(`reuse ${length}`, length);
        const arms = Array.from({ length: 5 }, (_, arm) => noise(`arm ${arm}`, 1, 16));
        const [quick, whole] = [await fast.begin(context, 'last'), await slow.begin(context, 'last')];
        const before = { quick: quick.suffixTokens, whole: whole.suffixTokens };
        const [found, expected] = [await quick.measure(arms), await whole.measure(arms)];
        expect(quick.suffixTokens - before.quick).toBe(5);
        expect(whole.suffixTokens - before.whole).toBe(5 * (length - 1));
        expect(Math.abs(quick.original.ce[0]! - whole.original.ce[0]!)).toBeLessThan(1e-4);
        for (const [arm, { ce, kl, top1 }] of found.entries()) {
          expect(Math.abs(ce[0]! - expected[arm]!.ce[0]!)).toBeLessThan(1e-4);
          expect(Math.abs(kl[0]! - expected[arm]!.kl[0]!)).toBeLessThan(1e-4);
          expect(top1).toEqual(expected[arm]!.top1);
        }
        await Promise.all([quick.release(), whole.release()]);
      }
    },
  );

  it('runs the whole context where the model takes no keys and values, and says so', async () => {
    const cut = await openCut(openModel(sequentialPlain, { runtime }), 'layers.1.mlp');
    expect(cut.reuse).toEqual({ available: false, why: 'the model takes no keys and values' });
  });
});

describe.each([
  [parallel, 'layers.1.mlp', 'last'],
  [parallel, 'layers.1', 'all'],
  [parallel, 'layers.2.mlp', 'all'],
  [sequentialCached, 'layers.0.mlp', 'last'],
  [sequentialPlain, 'layers.1.mlp', 'last'],
  [sequentialPlain, 'layers.1.mlp', 'all'],
  [WORLD, 'layers.1.mlp', 'last'],
  [WORLD, 'layers.1.mlp', 'all'],
  ...(existsSync(STORIES)
    ? ([
        [STORIES, 'layers.2.mlp', 'all'],
        [STORIES, 'layers.2', 'last'],
      ] as const)
    : []),
] as const)('measuring %s at %s under %s', (folder, id, protocol) => {
  it('agrees within 1e-4 with float64 on the logits of an edited whole model', async () => {
    const model = openModel(folder, { runtime });
    const cut = await openCut(model, id);
    const context = seeded('measured', 20, model.vocabulary);
    const open = await cut.begin(context, protocol);
    const rows = open.site.positions.length;
    const edits = [noise('an arm', rows, model.width), noise('another', rows, model.width, 0.1), open.site.output];
    const measured = await open.measure(edits);

    const read = context.tokens.slice(0, -1);
    const plain = await wholeLogits(model, read);
    const scored = (logits: Float32Array) => open.site.positions.map((at) => row(logits, at, model.vocabulary));
    const targets = open.site.positions.map((at) => context.tokens[at + 1]!);
    scored(plain).forEach((logits, at) => {
      expect(Math.abs(open.original.ce[at]! - crossEntropy(logits, targets[at]!))).toBeLessThan(1e-4);
    });
    for (const [arm, edit] of edits.entries()) {
      const edited = scored(await editedLogits(model, id, read, edit));
      const { ce, kl, top1 } = measured[arm]!;
      edited.forEach((logits, at) => {
        const before = row(plain, open.site.positions[at]!, model.vocabulary);
        expect(Math.abs(ce[at]! - crossEntropy(logits, targets[at]!))).toBeLessThan(1e-4);
        expect(Math.abs(kl[at]! - divergence(before, logits))).toBeLessThan(1e-4);
        expect(top1[at]).toBe(argMax(before) === argMax(logits) ? 1 : 0);
        expect(kl[at]).toBeGreaterThan(-1e-6);
      });
    }
    const same = measured[2]!;
    expect(largestGap(same.ce, open.original.ce)).toBeLessThan(1e-4);
    expect(Math.max(...same.kl)).toBeLessThan(1e-5);
    expect(open.original.kl).toEqual(new Float32Array(rows));
    expect(open.original.top1).toEqual(new Uint8Array(rows).fill(1));
    await open.release();
  });
});

describe('measure', () => {
  it('gives arms in the order asked for, however many there are', async () => {
    const cut = await openCut(openModel(parallel, { runtime }), 'layers.0');
    const open = await cut.begin(seeded('order', 30), 'all');
    const arms = Array.from({ length: 23 }, (_, arm) => noise(`ordered ${arm}`, 29, 16));
    const together = await open.measure(arms);
    for (const at of [0, 9, 22]) {
      const [alone] = await open.measure([arms[at]!]);
      expect(largestGap(alone!.ce, together[at]!.ce)).toBeLessThan(1e-4);
    }
    expect(await open.measure([])).toEqual([]);
  });

  it('refuses a filling of another shape, one that is no number, and stops when told to', async () => {
    const cut = await openCut(openModel(parallel, { runtime }), 'layers.1.mlp');
    const open = await cut.begin(seeded('refused', 8), 'last');
    await expect(open.measure([noise('wide', 1, 17)])).rejects.toThrow('[1,17] does not fit [1, 16]');
    const broken = componentOutput(new Float32Array(16).fill(Number.NaN), 1);
    await expect(open.measure([broken])).rejects.toMatchObject({ code: 'FILLING_NOT_FINITE' });
    const stopped = AbortSignal.abort(new Error('enough'));
    await expect(open.measure([open.site.output], stopped)).rejects.toThrow('enough');
  });

  it('refuses contexts without a next token and tokens that the model has not', async () => {
    const cut = await openCut(openModel(parallel, { runtime }), 'layers.1.mlp');
    await expect(cut.begin(seeded('short', 1), 'last')).rejects.toMatchObject({ code: 'CONTEXT_TOO_SHORT' });
    await expect(cut.begin(seeded('foreign', 9, 5000), 'all')).rejects.toMatchObject({ code: 'TOKEN_UNKNOWN' });
    await expect(cut.read([seeded('foreign', 9, 5000)])).rejects.toBeInstanceOf(UsageError);
  });
});

function largestGap(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((largest, value, at) => Math.max(largest, Math.abs(value - b[at]!)), 0);
}

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DATA_TYPE, tensorProto } from '../onnx/builder.js';
import { decodeModel, encodeModel, readModel } from '../onnx/codec.js';
import { assemble } from '../onnx/extract.js';
import { node, valueInfo } from '../onnx/messages.js';
import { GraphProtoSchema, ModelProtoSchema } from '../onnx/proto/onnx_pb.js';
import { float32, float32Data, int64Data, kept, ortRuntime, type Runtime, workerRuntime } from './index.js';

const weights = Float32Array.from({ length: 400 }, (_, i) => i);
/** sum = x + y, and shifted = w[0..n] + x for a weight of 400 values */
const graph = create(ModelProtoSchema, {
  irVersion: 8n,
  opsetImport: [{ domain: '', version: 17n }],
  graph: create(GraphProtoSchema, {
    name: 'sums',
    input: [valueInfo('x', DATA_TYPE.float32, ['n']), valueInfo('y', DATA_TYPE.float32, ['n'])],
    output: [
      valueInfo('sum', DATA_TYPE.float32),
      valueInfo('size', DATA_TYPE.int64),
      valueInfo('shifted', DATA_TYPE.float32),
    ],
    node: [node('Add', ['x', 'y'], ['sum']), node('Shape', ['x'], ['size']), node('Add', ['w', 'x'], ['shifted'])],
    initializer: [tensorProto('w', 'float32', [400, 1], weights)],
  }),
});
const bytes = encodeModel(graph);
const vector = (...values: number[]) => float32Data(Float32Array.from(values), [values.length]);

describe.each([
  ['in this thread', ortRuntime],
  ['in a worker thread', workerRuntime],
])('a runtime %s', (_, open) => {
  let runtime: Runtime;
  beforeAll(() => {
    runtime = open();
  });
  afterAll(() => runtime.dispose());

  it('runs a graph and gives back what is fetched, by type', async () => {
    const session = await runtime.createSession(bytes);
    expect(session.inputs).toEqual(['x', 'y']);
    expect(session.outputs).toEqual(['sum', 'size', 'shifted']);
    const results = await session.run({ x: vector(1, 2), y: vector(10, 20) }, { sum: 'data', size: 'data' });
    expect(float32(results, 'sum')).toEqual(vector(11, 22));
    expect(results.size).toEqual(int64Data([2], [1]));
    expect(Object.keys(results)).toEqual(['sum', 'size']);
  });

  it('neither empties nor changes what it is fed, nor sees later writes into it', async () => {
    const session = await runtime.createSession(bytes);
    const x = vector(1, 2);
    const keptX = await runtime.keep(x);
    await session.run({ x, y: x }, { sum: 'data' });
    expect(x).toEqual(vector(1, 2));
    x.data[0] = 99;
    expect(await runtime.read(keptX)).toEqual(vector(1, 2));
  });

  it('keeps results on its side and takes them again, until they are released', async () => {
    const session = await runtime.createSession(bytes);
    const sum = kept(await session.run({ x: vector(1), y: vector(2) }, { sum: 'keep' }), 'sum');
    expect(sum).toMatchObject({ type: 'kept', dims: [1], element: 'float32' });
    const again = await session.run({ x: sum, y: sum }, { sum: 'data' });
    expect(float32(again, 'sum')).toEqual(vector(6));
    await runtime.release(sum);
    await runtime.release(sum);
    await expect(session.run({ x: sum, y: sum }, { sum: 'data' })).rejects.toThrow(/was released/);
  });

  it('takes tensors without values', async () => {
    const session = await runtime.createSession(bytes);
    const results = await session.run({ x: vector(), y: vector() }, { sum: 'data' });
    expect(float32(results, 'sum').dims).toEqual([0]);
  });

  it('finds weights in the file that the graph points into', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'runtime-'));
    try {
      const path = join(folder, 'model.onnx');
      writeFileSync(path, bytes);
      const file = readModel(path);
      const { input, output, node: nodes } = file.graph;
      const pointing = encodeModel(assemble(file, { name: 'pointing', inputs: input, outputs: output, nodes }));
      expect(pointing.byteLength).toBeLessThan(bytes.byteLength - 1000);
      const session = await runtime.createSession(pointing, { externalFolder: folder });
      const results = await session.run({ x: vector(0.5), y: vector(0) }, { shifted: 'data' });
      expect(float32(results, 'shifted').data).toEqual(weights.map((w) => w + 0.5));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('refuses a wrong feed, a graph that is none, and use after its end, and stays usable after the first two', async () => {
    const session = await runtime.createSession(bytes);
    await expect(session.run({ x: vector(1) }, { sum: 'data' })).rejects.toThrow(/y/);
    await expect(runtime.createSession(new Uint8Array([1, 2, 3]))).rejects.toThrow();
    expect(float32(await session.run({ x: vector(1), y: vector(1) }, { sum: 'data' }), 'sum')).toEqual(vector(2));
    const other = open();
    await other.dispose();
    await expect(other.createSession(bytes)).rejects.toThrow(/ended/);
  });

  it('names the tensor that is not what the caller takes it for', async () => {
    const session = await runtime.createSession(bytes);
    const results = await session.run({ x: vector(1), y: vector(1) }, { size: 'data' });
    expect(() => float32(results, 'size')).toThrow('tensor size is int64, not float32');
    expect(() => float32(results, 'sum')).toThrow('tensor sum is not among the results');
  });
});

describe('the worker runtime', () => {
  it('leaves the event loop of this thread free during a run', async () => {
    const runtime = workerRuntime();
    const session = await runtime.createSession(bytes);
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    const x = float32Data(new Float32Array(20_000), [20_000]); // 400 x 20,000 sums: tens of milliseconds
    await session.run({ x, y: x }, { shifted: 'keep' });
    clearInterval(timer);
    await runtime.dispose();
    expect(ticks).toBeGreaterThan(3);
  });

  it('rejects what is under way when it is ended', async () => {
    const runtime = workerRuntime();
    const session = await runtime.createSession(bytes);
    const run = session.run({ x: vector(1), y: vector(1) }, { sum: 'data' });
    await Promise.all([expect(run).rejects.toThrow(/ended/), runtime.dispose()]);
  });
});

it('decodes what it encodes', () => expect(decodeModel(bytes, 'sums.onnx').model).toEqual(graph));

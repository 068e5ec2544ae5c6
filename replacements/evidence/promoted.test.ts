import { afterAll, expect, it } from 'vitest';
import { makeContext, openModel, openReader, openTokenizer, openUnembedding } from '../../harness/index.js';
import { readSparsify } from '../coders/formats/sparsify.js';
import { openCoder } from '../coders/sparse-coder.js';
import { promotedTokens } from './promoted.js';

const model = openModel('fixtures/world/model');
afterAll(() => model.dispose());

it.each([
  ['transcoder', 'layers.1.mlp'],
  ['sae', 'layers.1'],
])(
  'latents of a %s promote the tokens whose logits rise when they are added to the residual stream',
  async (kind, at) => {
    const reader = await openReader(model, at);
    const spec = await readSparsify(`fixtures/world/coders/${kind}/${at}`);
    const coder = await openCoder(model.parts.runtime, spec, reader.hookpoint);
    const tokenizer = await openTokenizer(model.folder);
    // One token, hence one state that the effects are measured in.
    const context = makeContext(tokenizer, tokenizer.encode(' the').slice(0, 1));
    const scale = Float32Array.from({ length: spec.latents }, (_, latent) => (latent < 70 && latent !== 3 ? 2 : 0));
    const promoted = await promotedTokens({ model, reader, coder, context, scale, most: 4 });
    expect(promoted).toHaveLength(spec.latents);
    expect([promoted[3], promoted[70]]).toEqual([[], []]);

    const last = await openReader(model, `layers.${model.layers - 1}`);
    const unembedding = await openUnembedding(model);
    const [end] = await last.read([context]);
    const [seen] = await reader.read([context]);
    const x = spec.encodes === 'input' ? seen!.input : seen!.output;
    const decoded = async (ids: number[], values: number[]) => {
      const rows = Uint32Array.of(0, ids.length);
      const row = { positions: 1, latents: spec.latents, rows, ids: Uint32Array.from(ids) };
      return (await coder.decode({ ...row, values: Float32Array.from(values) }, x)).data;
    };
    const silent = await decoded([], []);
    const before = await unembedding.logProbabilities(end!.output.data);
    for (const latent of [0, 5, 69]) {
      const effect = await decoded([latent], [2]);
      const state = end!.output.data.map((value, i) => value + effect[i]! - silent[i]!);
      const after = await unembedding.logProbabilities(state);
      const rises = Array.from(after, (value, i) => value - before[i]!);
      const mean = rises.reduce((sum, rise) => sum + rise, 0) / rises.length;
      const order = [...rises.keys()].sort((a, b) => rises[b]! - rises[a]!).slice(0, 4);
      expect(promoted[latent]!.map(({ token }) => token)).toEqual(order);
      for (const { token, weight } of promoted[latent]!) expect(weight).toBeCloseTo(rises[token]! - mean, 3);
    }
    for (const each of [unembedding, last, reader, coder]) await each.dispose();
  },
);

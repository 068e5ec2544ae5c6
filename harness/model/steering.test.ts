import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ortRuntime } from '../runtime/index.js';
import { wholeLogits } from '../testing.js';
import { type Model, openModel } from './open.js';
import { openSteeredModel, type SteeredModel } from './steering.js';
import { modelFolders, muted } from './test-models.js';

const runtime = ortRuntime({ threads: 1 });
const TOKENS = Int32Array.from([5, 40, 17, 88, 23]);
let model: Model;
let steered: SteeredModel;
beforeAll(async () => {
  model = openModel('fixtures/world/model', { runtime });
  steered = await openSteeredModel(model, 'layers.1.mlp');
}, 60_000);
afterAll(async () => {
  await steered.dispose();
  await model.dispose();
});

const largest = (a: Float32Array, b: Float32Array) =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
const push = () => Float32Array.from({ length: model.width }, (_, i) => (i % 2 === 0 ? 1 : -1));

describe('a model to which something is added', () => {
  it('says what it says by itself where nothing is', async () => {
    const logits = (await wholeLogits(model, TOKENS)).subarray(-model.vocabulary);
    const highest = logits.reduce((a, b) => Math.max(a, b));
    const norm = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - highest), 0)) + highest;
    const [none, zero] = await steered.next(TOKENS, 2, [null, new Float32Array(model.width)]);
    expect(
      largest(
        none!,
        logits.map((logit) => logit - norm),
      ),
    ).toBeLessThan(1e-3);
    expect(zero).toEqual(none);
  });
  it('says something else where something is, and more so where there is more of it', async () => {
    const [none, once, twice] = await steered.next(TOKENS, 4, [null, push(), push().map((value) => 2 * value)]);
    expect(largest(none!, once!)).toBeGreaterThan(0.01);
    expect(largest(none!, twice!)).toBeGreaterThan(largest(none!, once!));
  });
  it('minds from which token on it is added', async () => {
    const [late] = await steered.next(TOKENS, 4, [push()]);
    const [early] = await steered.next(TOKENS, 0, [push()]);
    expect(largest(late!, early!)).toBeGreaterThan(1e-3);
  });
  it('answers as many additions as there are, each as if alone', async () => {
    const many = Array.from({ length: 20 }, (_, i) => push().map((value) => (i / 10) * value));
    const together = await steered.next(TOKENS, 3, many);
    expect(together).toHaveLength(20);
    const [alone] = await steered.next(TOKENS, 3, [many[19]!]);
    expect(largest(together[19]!, alone!)).toBeLessThan(1e-4);
  });
  it('is proved to be heard: silence at its hookpoint moves the logits, and by more than rounding', () => {
    expect(steered.wiring.rejoined).toBeLessThanOrEqual(steered.wiring.rounding);
    expect(steered.wiring.silenced).toBeGreaterThan(100 * steered.wiring.rounding);
  });
  it('is refused where nothing that is added could be heard', async () => {
    const folders = modelFolders();
    const { model: deaf, hookpoint } = muted();
    const opened = openModel(folders.write('mute', 'llama', deaf), { runtime, hookpoints: [hookpoint] });
    try {
      await expect(openSteeredModel(opened, 'layers.1.mlp')).rejects.toMatchObject({ code: 'CUT_IS_INERT' });
    } finally {
      await opened.dispose();
      folders.remove();
    }
  });
  it('refuses to begin behind the end', () =>
    expect(steered.next(TOKENS, 5, [null])).rejects.toThrow('nothing is added from token 5 of 5'));
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../../random.js';
import { ortRuntime } from '../../runtime/index.js';
import { componentOutput } from '../../tensor.js';
import { openCut } from '../cut.js';
import { type Model, openModel } from '../open.js';
import { type OutputScores, openOutputScores } from './scores.js';

const HOOKPOINT = 'layers.1.mlp';
const LENGTH = 24;
let model: Model;
let scores: OutputScores;
beforeAll(() => {
  model = openModel('fixtures/world/model', { runtime: ortRuntime({ threads: 1 }) });
});
beforeAll(async () => {
  scores = await openOutputScores(model, HOOKPOINT);
});
afterAll(async () => {
  await scores.dispose();
  await model.dispose();
});

const texts = seededRandom('texts of scores');
const text = () => Int32Array.from({ length: LENGTH }, () => texts.integer(model.vocabulary));
const dot = (a: ArrayLike<number>, b: Float32Array, from: number) =>
  Array.from({ length: a.length }, (_, i) => a[i]! * b[from + i]!).reduce((sum, each) => sum + each, 0);

describe('scores of a component’s output', () => {
  it('are one for each value at each token, the same for the same seed', async () => {
    const tokens = text();
    const [one, same, other] = [
      await scores.of(tokens, seededRandom(1)),
      await scores.of(tokens, seededRandom(1)),
      await scores.of(tokens, seededRandom(2)),
    ];
    expect(one).toHaveLength(LENGTH * model.width);
    expect(scores.width).toBe(model.width);
    expect(same).toEqual(one);
    expect(other).not.toEqual(one);
  });
  it('tell what KL small errors cost', async () => {
    const tokens = Array.from({ length: 24 }, text);
    const found: Float32Array[] = [];
    for (const [at, each] of tokens.entries()) found.push(await scores.of(each, seededRandom(at)));
    const cut = await openCut(model, HOOKPOINT);
    const random = seededRandom('directions');
    const ratios: number[] = [];
    try {
      for (let drawn = 0; drawn < 3; drawn++) {
        const error = Float32Array.from({ length: model.width }, () => 0.1 * random.normal());
        let [kl, predicted, positions] = [0, 0, 0];
        for (const [at, each] of tokens.entries()) {
          const open = await cut.begin({ id: String(at), tokens: each, text: [] }, 'all');
          const { data } = open.site.output;
          const signs = Array.from(each, () => (random.next() < 0.5 ? -1 : 1));
          const moved = data.map((value, i) => value + signs[Math.floor(i / model.width)]! * error[i % model.width]!);
          const [measured] = await open.measure([componentOutput(moved, data.length / model.width)]);
          await open.release();
          measured!.kl.forEach((cost, position) => {
            kl += cost;
            predicted += dot(error, found[at]!, position * model.width) ** 2 / 2;
            positions++;
          });
        }
        expect(positions).toBe(24 * (LENGTH - 1));
        ratios.push(predicted / kl);
      }
    } finally {
      await cut.dispose();
    }
    for (const ratio of ratios) expect(Math.abs(Math.log(ratio))).toBeLessThan(0.3);
  });
  it('stop when told to', () =>
    expect(scores.of(text(), seededRandom(0), AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough'));
});

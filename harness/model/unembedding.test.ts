import { afterAll, describe, expect, it } from 'vitest';
import { makeContext, openModel, openReader, openTokenizer } from '../index.js';
import { wholeLogits } from './pieces.js';
import { openUnembedding } from './unembedding.js';

const model = openModel('fixtures/world/model');
afterAll(() => model.dispose());

/** Plain log-softmax of one row, float64. */
function logSoftmax(row: Float32Array): number[] {
  const largest = row.reduce((most, logit) => Math.max(most, logit), -Infinity);
  const log = Math.log(row.reduce((sum, logit) => sum + Math.exp(logit - largest), 0)) + largest;
  return Array.from(row, (logit) => logit - log);
}

describe('the end of a model alone', () => {
  it('says of the residual stream what the whole model says of the text', async () => {
    const tokenizer = await openTokenizer(model.folder);
    // Longer than what goes through at once, and no multiple of it.
    const tokens = tokenizer.encode('Once upon a time there was a dog. '.repeat(8)).slice(0, 45);
    const reader = await openReader(model, `layers.${model.layers - 1}`);
    const [end] = await reader.read([makeContext(tokenizer, tokens)]);
    const unembedding = await openUnembedding(model);
    const found = await unembedding.logProbabilities(end!.output.data);
    const logits = await wholeLogits(model, tokens);
    expect(found.length).toBe(logits.length);
    for (const row of [0, 17, 31, 32, 44]) {
      const [from, to] = [row * model.vocabulary, (row + 1) * model.vocabulary];
      const plain = logSoftmax(logits.subarray(from, to));
      const worst = Math.max(...plain.map((value, i) => Math.abs(value - found[from + i]!)));
      expect(worst).toBeLessThan(1e-3);
    }
    await expect(unembedding.logProbabilities(new Float32Array(model.width + 1))).rejects.toThrow(RangeError);
    await unembedding.dispose();
    await reader.dispose();
  });
});

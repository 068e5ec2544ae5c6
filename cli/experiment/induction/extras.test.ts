import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  contextsOf,
  fisherRoot,
  type Model,
  openModel,
  openOutputScores,
  openReader,
  ortRuntime,
  readTexts,
  seededRandom,
} from '../../../harness/index.js';
import { openCoder, readSparsify } from '../../../replacements/index.js';
import { silent } from '../progress.js';
import { type ExtrasSource, explainerExtras } from './extras.js';

const WORLD = 'fixtures/world';
const HOOKPOINT = 'layers.1.mlp';
const watched = { progress: silent, signal: new AbortController().signal };
let model: Model;
let source: ExtrasSource;
beforeAll(async () => {
  const runtime = ortRuntime({ threads: 1 });
  model = openModel(`${WORLD}/model`, { runtime });
  const reader = await openReader(model, HOOKPOINT);
  const coder = await openCoder(
    runtime,
    await readSparsify(`${WORLD}/coders/transcoder/${HOOKPOINT}`),
    reader.hookpoint,
  );
  const texts = await readTexts(`${WORLD}/texts/evidence.json`);
  const [first, ...others] = contextsOf(await model.tokenizer(), texts, { length: 64, count: 2 });
  source = { reader, coder, contexts: [first!, ...others], scale: new Float32Array(coder.spec.latents) };
});
afterAll(() => model.dispose());

describe('what explainers are told beside activations', () => {
  it('are decoder rows as the model minds them, for styles whose rules are chosen jointly', async () => {
    const scores = await openOutputScores(model, HOOKPOINT);
    const found: number[] = [];
    for (const { id, tokens } of source.contexts)
      found.push(...(await scores.of(tokens, seededRandom(`scores/${id}`))));
    await scores.dispose();
    const root = fisherRoot(Float32Array.from(found), model.width);
    const expected = await source.coder.decoderDirections(128, root);
    const extras = await explainerExtras('pattern', source, watched);
    expect(extras).toEqual({ directions: expected, neighbours: null, promoted: null });
    expect(expected).not.toEqual(await source.coder.decoderDirections(128, null));
  });
  it('is nothing for styles that look at activations alone', async () => {
    expect(await explainerExtras('frequency', source, watched)).toEqual({
      directions: null,
      neighbours: null,
      promoted: null,
    });
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PatternExplanation, readExplanations } from '../../explanations/index.js';
import {
  type CutModel,
  contextsOf,
  openCut,
  openModel,
  openTokenizer,
  ortRuntime,
  readTexts,
} from '../../harness/index.js';
import {
  activates,
  collectEvidence,
  executableJudge,
  openCoder,
  readSparsify,
  type ScoredExample,
  type SparseCoder,
} from '../../replacements/index.js';
import { type ScoreId, type Subject, scores } from './index.js';

const WORLD = 'fixtures/world';
const HOOKPOINT = 'layers.1.mlp';
const WINDOW = 32;
const runtime = ortRuntime({ threads: 1 });
const { signal } = new AbortController();

let cut: CutModel;
let coder: SparseCoder;
/** Latents with their induced patterns, on text that these were not induced from. */
let subjects: readonly (Subject & { readonly explanation: PatternExplanation })[];

/** Windows of held-out text in which a latent fires, and as many in which it does not. */
function balanced(windows: readonly ScoredExample[]): ScoredExample[] {
  const firing = windows.filter(activates).slice(0, 20);
  return [...firing, ...windows.filter((window) => !activates(window)).slice(0, firing.length)];
}

beforeAll(async () => {
  const model = openModel(`${WORLD}/model`, { runtime });
  const texts = await readTexts(`${WORLD}/texts/evaluation.json`);
  const contexts = contextsOf(await openTokenizer(model.folder), texts, { length: WINDOW, count: 240 });
  cut = await openCut(model, HOOKPOINT);
  coder = await openCoder(runtime, await readSparsify(`${WORLD}/coders/transcoder/${HOOKPOINT}`), cut.hookpoint);
  const { activations } = await collectEvidence((batch) => cut.read(batch), coder, contexts, 0);
  const windowsOf = (latent: number): ScoredExample[] =>
    contexts.map(({ text }, context) => {
      const own = new Float32Array(WINDOW);
      for (let token = 0; token < WINDOW; token++) {
        const row = context * WINDOW + token;
        const at = activations.ids.subarray(activations.rows[row]!, activations.rows[row + 1]!).indexOf(latent);
        if (at >= 0) own[token] = activations.values[activations.rows[row]! + at]!;
      }
      return { drawn: { kind: 'random' }, text, activations: own };
    });
  const explanations = await readExplanations(`${WORLD}/explanations/transcoder-pattern.jsonl`);
  subjects = [...explanations.values()]
    .filter((each) => each.style === 'pattern')
    .slice(0, 40)
    .map((explanation) => ({ explanation, examples: balanced(windowsOf(explanation.latent)), seed: 1 }))
    .filter(({ examples }) => examples.length >= 30);
}, 120_000);
afterAll(async () => {
  await coder.dispose();
  await cut.dispose();
});

/** Mean over latents; `shift` gives each the explanation of another one, which may be silent on all of its examples. */
async function meanScore(id: ScoreId, shift: number): Promise<number> {
  const judge = executableJudge();
  const values: number[] = [];
  for (const [i, subject] of subjects.entries()) {
    const { explanation } = subjects[(i + shift) % subjects.length]!;
    const { value } = await scores[id].measure({ ...subject, explanation }, judge, signal);
    if (value.status === 'measured') values.push(value.value);
    else if (shift === 0) throw new Error(`latent ${subject.explanation.latent}: ${value.why}`);
  }
  expect(values.length).toBeGreaterThan(subjects.length / 2);
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

describe('explanations that were induced from the embedded coder', () => {
  it('are there', () => expect(subjects.length).toBeGreaterThanOrEqual(10));
  it.each<[ScoreId, number]>([
    ['detection', 0.75],
    ['fuzzing', 0.8],
    ['simulation', 0.75],
  ])('score by %s at least %d on held-out text, and each other’s score at chance', async (id, least) => {
    expect(await meanScore(id, 0)).toBeGreaterThan(least);
    expect(Math.abs((await meanScore(id, 3)) - scores[id].chance)).toBeLessThan(0.1);
  });
});

import { type ExplainedStyle, type ExplainerEvidence, explain } from '../explanations/index.js';
import {
  type Context,
  contextsOf,
  type LatentActivations,
  openModel,
  openReader,
  openTokenizer,
  readTexts,
} from '../harness/index.js';
import { collectEvidence, openCoder, readSparsify } from '../replacements/index.js';
import { type Benchmark, median } from './benchmark.js';

const WORLD = 'fixtures/world';
const HOOKPOINT = 'layers.1.mlp';
const LENGTH = 128;
const ROUNDS = 3;
const STYLE: ExplainedStyle = 'pattern';

/** Contexts of the evidence and what all latents do in them. */
interface Read {
  readonly contexts: readonly Context[];
  readonly evidence: Omit<ExplainerEvidence, 'contexts'>;
}

async function readEvidence(): Promise<Read> {
  const tokenizer = await openTokenizer(`${WORLD}/model`);
  const contexts = contextsOf(tokenizer, await readTexts(`${WORLD}/texts/evidence.json`), { length: LENGTH });
  const model = openModel(`${WORLD}/model`);
  try {
    const reader = await openReader(model, HOOKPOINT);
    const spec = await readSparsify(`${WORLD}/coders/transcoder/${HOOKPOINT}`);
    const coder = await openCoder(model.parts.runtime, spec, reader.hookpoint);
    const { activations, scale } = await collectEvidence((batch) => reader.read(batch), coder, contexts, 0);
    const directions = await coder.decoderDirections(128);
    const given = { hookpoint: HOOKPOINT, activations, latentScale: scale, directions };
    return { contexts, evidence: { ...given, neighbours: null, promoted: null } };
  } finally {
    await model.dispose();
  }
}

/** The first contexts only, and one in so many latents: the others do not fire. */
function part(
  { contexts, evidence }: Read,
  share: { readonly tokens: number; readonly oneIn: number },
): ExplainerEvidence {
  const kept = contexts.slice(0, Math.round(share.tokens * contexts.length));
  const positions = kept.reduce((sum, { text }) => sum + text.length, 0);
  const { rows, ids, values } = evidence.activations;
  const starts = [0];
  const fired: { readonly id: number; readonly value: number }[] = [];
  for (let row = 0; row < positions; row++) {
    for (let at = rows[row]!; at < rows[row + 1]!; at++) {
      if (ids[at]! % share.oneIn === 0) fired.push({ id: ids[at]!, value: values[at]! });
    }
    starts.push(fired.length);
  }
  const activations: LatentActivations = {
    positions,
    latents: evidence.activations.latents,
    rows: Uint32Array.from(starts),
    ids: Uint32Array.from(fired, ({ id }) => id),
    values: Float32Array.from(fired, ({ value }) => value),
  };
  return { ...evidence, contexts: kept, activations };
}

const noProse = (): number => {
  throw new Error('a pattern has no prose');
};

function seconds(evidence: ExplainerEvidence, maxTokens: number): number {
  const began = performance.now();
  explain(STYLE, evidence, { maxTokens, seed: 0, count: noProse });
  return (performance.now() - began) / 1000;
}

/** What it takes to explain latents without a language model: one thread, with everything in memory. */
export const explainer: Benchmark = {
  name: 'explainer',
  about: 'Patterns of 1,024 latents from some 300,000 tokens: seconds on one core, and how they grow',
  // Twice the latents, twice the work; twice the tokens hold fewer than twice as many distinct endings.
  promises: { times_for_twice_the_latents: 3, times_for_twice_the_tokens: 2.5 },
  async run() {
    const read = await readEvidence();
    const whole = part(read, { tokens: 1, oneIn: 1 });
    const halfTheLatents = part(read, { tokens: 1, oneIn: 2 });
    const halfTheTokens = part(read, { tokens: 0.5, oneIn: 1 });
    seconds(part(read, { tokens: 0.25, oneIn: 10 }), 16);
    // Side by side within a round, so that what else the machine does meets both; the middle round of each counts.
    const rounds = Array.from({ length: ROUNDS }, () => ({
      all: seconds(whole, 16),
      latents: seconds(halfTheLatents, 16),
      tokens: seconds(halfTheTokens, 16),
      alone: seconds({ ...whole, directions: null }, 16),
    }));
    return {
      latents: whole.activations.latents,
      tokens: whole.activations.positions,
      seconds_at_16_tokens: median(rounds.map(({ all }) => all)),
      seconds_alone: median(rounds.map(({ alone }) => alone)),
      seconds_at_64_tokens: seconds(whole, 64),
      times_for_twice_the_latents: median(rounds.map(({ all, latents }) => all / latents)),
      times_for_twice_the_tokens: median(rounds.map(({ all, tokens }) => all / tokens)),
    };
  },
};

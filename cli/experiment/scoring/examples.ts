import type { ScoredHookpoint } from '../../../eval/index.js';
import { seededRandom, type Tokenizer, UsageError } from '../../../harness/index.js';
import {
  activates,
  type DrawPlan,
  decoderNeighbours,
  drawFromCache,
  type HeldText,
  type ScoredExample,
  type SteeredPair,
  scoredExamples,
} from '../../../replacements/index.js';
import { cachedActivations } from '../activations.js';
import type { Watched } from '../progress.js';
import type { ExplainedEntry } from './entries.js';
import type { ScoringStage } from './stage.js';

/** The text of an experiment that examples are drawn from. None of it is evidence. */
export type ScoredPart = 'calibration' | 'evaluation';

/** How many latents are scored, and on what. */
export interface Drawing {
  readonly part: ScoredPart;
  /** At most, of each hookpoint. */
  readonly latents: number;
  /** Of each latent where it fires, and as many where it is silent. */
  readonly examples: number;
  /** Tokens of an example. */
  readonly window: number;
}

/** Latents of one hookpoint, with the examples that they are scored on. */
export interface DrawnLatents {
  readonly about: ScoredHookpoint;
  readonly examples: ReadonlyMap<number, readonly ScoredExample[]>;
  /** What the model writes with each latent steered; none where no score asks for that. */
  readonly steered: ReadonlyMap<number, readonly SteeredPair[]>;
}

const DECILES = 10;

/** As many silent examples as firing ones: half of them from anywhere, the others easily mistaken. */
export function drawPlan({ examples, window }: Drawing): DrawPlan {
  const [random, neighbours] = [Math.round(0.5 * examples), Math.round(0.3 * examples)];
  const nearMisses = examples - random - neighbours;
  return { length: window, top: 0, perDecile: Math.ceil(examples / DECILES), random, neighbours, nearMisses };
}

/** Latents that every entry explains: they are compared on the same. */
function explainedByAll(explained: readonly ExplainedEntry[], width: number): readonly number[] {
  const all = Array.from({ length: width }, (_, latent) => latent);
  return all.filter((latent) => explained.every(({ own }) => own.has(latent)));
}

/**
 * Draws latents that fire in the text, and examples of each. Windows that the evidence has too are not drawn.
 * @throws {UsageError} `NOTHING_TO_SCORE`
 */
export async function drawLatents(
  stage: ScoringStage,
  explained: readonly ExplainedEntry[],
  evidence: HeldText,
  tokenizer: Tokenizer,
  drawing: Drawing,
  options: Watched & { readonly cache: string },
): Promise<Omit<DrawnLatents, 'steered'>> {
  const { reader, coder, texts, experiment } = stage;
  const { id } = reader.hookpoint;
  const { contexts } = texts[drawing.part];
  const places = { folder: undefined, cache: options.cache };
  const cache = await cachedActivations({ reader, coder, contexts }, places, options);
  const counts = await cache.counts();
  const common = explainedByAll(explained, coder.spec.latents);
  const firing = common.filter((latent) => counts[latent]! > 0);
  if (firing.length === 0) {
    const why =
      common.length === 0 ? 'is explained by every entry' : `that is explained fires in the ${drawing.part} text`;
    throw new UsageError(
      'NOTHING_TO_SCORE',
      `No latent at ${id} ${why}.`,
      common.length === 0 ? 'Score one of them with --entry.' : 'Give more text, or choose the other with --text.',
    );
  }
  const drawn = seededRandom(`${experiment.seed}/scored latents/${id}`).shuffle(firing).slice(0, drawing.latents);
  const latents = drawn.sort((a, b) => a - b);
  const plan = drawPlan(drawing);
  const neighbours = await decoderNeighbours(reader.model.parts.runtime, coder.spec);
  const drawer = drawFromCache(cache, neighbours, (token) => tokenizer.surface(token), plan);
  const examples = new Map<number, readonly ScoredExample[]>();
  const bar = options.progress(`Drawing examples at ${id}`, latents.length, 'latents');
  try {
    for (const [at, latent] of latents.entries()) {
      options.signal.throwIfAborted();
      const allowed = (tokens: Int32Array): boolean => evidence.shared(tokens) === null;
      examples.set(latent, scoredExamples(await drawer.of(latent, { seed: experiment.seed, allowed })));
      bar.at(at + 1);
    }
  } finally {
    await neighbours.dispose();
  }
  bar.end();
  const all = [...examples.values()].flat();
  const active = all.filter(activates).length;
  const each = latents.length;
  return {
    about: {
      hookpoint: id,
      coder: coder.spec.id,
      latents: { all: coder.spec.latents, explained: common.length, firing: firing.length, scored: each },
      examples: {
        firing: { wanted: each * DECILES * plan.perDecile, drawn: active },
        silent: { wanted: each * (plan.random + plan.neighbours + plan.nearMisses), drawn: all.length - active },
      },
    },
    examples,
  };
}

import { type Random, type SteeredModel, seededRandom, type Tokenizer } from '../../harness/index.js';
import type { SteeredPair } from '../judges/index.js';

/** How latents are steered, and how much is written. */
export interface SteeringPlan {
  /** Tokens written behind each prompt. */
  readonly newTokens: number;
  /**
   * Mean KL(clean ‖ steered) of the first token behind the prompts, nats: each latent is steered as strongly as this takes, for
   * scores of stronger steering are higher.
   */
  readonly kl: number;
}

export const STEERING_PLAN: SteeringPlan = { newTokens: 16, kl: 1 };

/** Strengths that are tried, in units of the latent's largest activation: a factor of two apart. */
const STRENGTHS = Array.from({ length: 12 }, (_, power) => 2 ** (power - 4));

/** What latents do to what a model writes. */
export interface Steering {
  /**
   * What is written behind each prompt, as the model is and with the latent steered from the prompt's last token on.
   * @param effect `[model]`: what the latent adds to the component's output where it is as active as it ever was
   * @returns none where no strength that is tried reaches the plan's KL: an effect so small cannot be told. A pair whose texts
   *   are the same tells nothing either, and is there to be counted
   */
  pairs(effect: Float32Array, signal: AbortSignal): Promise<readonly SteeredPair[]>;
}

const scaled = (effect: Float32Array, strength: number): Float32Array => effect.map((value) => strength * value);

/** KL(clean ‖ other) of two distributions given by log-probabilities, nats. */
export function divergence(clean: Float32Array, other: Float32Array): number {
  // A token that is impossible as the model is costs nothing.
  return clean.reduce((sum, log, token) => (log > -Infinity ? sum + Math.exp(log) * (log - other[token]!) : sum), 0);
}

/** The token at a place of the distribution, 0-1: the same place gives the same token while the distribution is the same. */
function tokenAt(logProbabilities: Float32Array, place: number): number {
  let left = place;
  for (const [token, log] of logProbabilities.entries()) {
    left -= Math.exp(log);
    if (left < 0) return token;
  }
  return logProbabilities.indexOf(logProbabilities.reduce((a, b) => Math.max(a, b)));
}

/**
 * The strength at which the KL is the wanted one, between two that were tried; `null` where none reaches it. KL grows with
 * strength, about as a power of it, so the line is drawn through logarithms. A push so strong that it has no finite KL breaks
 * the model, and steers nothing.
 */
export function strengthOf(
  wanted: number,
  strengths: readonly { readonly strength: number; readonly kl: number }[],
): number | null {
  const tried = strengths.filter(({ kl }) => Number.isFinite(kl));
  const above = tried.findIndex(({ kl }) => kl >= wanted);
  if (above < 0) return null;
  const [low, high] = [tried[above - 1], tried[above]!];
  // Nothing below the weakest is tried: so little is enough.
  if (low === undefined || !(low.kl > 0)) return high.strength;
  const part = Math.log(wanted / low.kl) / Math.log(high.kl / low.kl);
  return low.strength * (high.strength / low.strength) ** part;
}

/**
 * Writes on from prompts. Both texts of a pair are drawn with the same random numbers, so that they differ only as far as
 * steering makes them.
 * @param prompts tokens of each, at least one prompt
 */
export function steering(
  model: Pick<SteeredModel, 'next'>,
  tokenizer: Pick<Tokenizer, 'surface'>,
  prompts: readonly Int32Array[],
  { newTokens, kl: wanted }: SteeringPlan,
  seed: string,
): Steering {
  if (prompts.length === 0) throw new RangeError('no prompts to write on from');
  /** @param first the distribution of the first token behind the prompt, with the addition */
  async function write(
    prompt: Int32Array,
    first: Float32Array,
    addition: Float32Array | null,
    random: Random,
    signal: AbortSignal,
  ): Promise<string> {
    const tokens = new Int32Array(prompt.length + newTokens);
    tokens.set(prompt);
    let text = '';
    let next = first;
    for (let at = prompt.length; at < tokens.length; at++) {
      signal.throwIfAborted();
      if (at > prompt.length) next = (await model.next(tokens.subarray(0, at), prompt.length - 1, [addition]))[0]!;
      tokens[at] = tokenAt(next, random.next());
      text += tokenizer.surface(tokens[at]!);
    }
    return text;
  }
  const drawOf = (prompt: number): Random => seededRandom(`${seed}/steering/${prompt}`);
  // What the model says as it is, is the same for all latents.
  const clean: { readonly first: Float32Array; text?: string }[] = [];

  return {
    async pairs(effect, signal) {
      const additions = STRENGTHS.map((strength) => scaled(effect, strength));
      const sums = STRENGTHS.map(() => 0);
      for (const [at, prompt] of prompts.entries()) {
        signal.throwIfAborted();
        const behind = (some: readonly (Float32Array | null)[]) => model.next(prompt, prompt.length - 1, some);
        clean[at] ??= { first: (await behind([null]))[0]! };
        for (const [power, each] of (await behind(additions)).entries()) {
          sums[power]! += divergence(clean[at].first, each);
        }
      }
      const strength = strengthOf(
        wanted,
        STRENGTHS.map((each, at) => ({ strength: each, kl: sums[at]! / prompts.length })),
      );
      if (strength === null) return [];
      const addition = scaled(effect, strength);
      const pairs: SteeredPair[] = [];
      for (const [at, prompt] of prompts.entries()) {
        const asItIs = clean[at]!;
        asItIs.text ??= await write(prompt, asItIs.first, null, drawOf(at), signal);
        const [first] = await model.next(prompt, prompt.length - 1, [addition]);
        const text = await write(prompt, first!, addition, drawOf(at), signal);
        pairs.push({ clean: asItIs.text, steered: text, kl: divergence(asItIs.first, first!) });
      }
      return pairs;
    },
  };
}

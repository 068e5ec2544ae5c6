import type { InStyle, Provenance, Style } from '../explanation.js';
import { byLatent, type Evidence } from '../induce/evidence.js';
import type { Directions } from '../induce/joint.js';
import type { Promoted } from '../styles/output.js';
import type { CountTokens } from '../styles/style.js';

/** What explanations are made from: text, what the latents did on it, and what is known of each latent beside it. */
export interface ExplainerEvidence extends Evidence {
  readonly hookpoint: string;
  /** `[latent]`: largest observed activation, which a strength of 9 stands for. Latents with 0 get no explanation. */
  readonly latentScale: Float32Array;
  /** `[latent, width]`: what one unit of each latent's activation adds to the component's output; `null` where nobody looked. */
  readonly directions: Directions | null;
  /** `[latent]`: the latents most like it, most similar first; `null` where nobody looked. */
  readonly neighbours: readonly (readonly number[])[] | null;
  /** `[latent]`: the tokens that it makes likelier, by decoder and unembedding, strongest first; `null` where nobody looked. */
  readonly promoted: readonly (readonly Promoted[])[] | null;
}

/** The parts of the evidence that cost more than reading the activations, and that only some styles speak of. */
export type Extra = 'directions' | 'neighbours' | 'promoted';

export interface ExplainerOptions {
  /** Largest length of an explanation, as `explanationLength` counts. A latent of which nothing can be said in it gets none. */
  readonly maxTokens: number;
  readonly seed: string | number;
  /** Counts the tokens of prose. */
  readonly count: CountTokens;
  readonly provenance?: Omit<Provenance, 'by'>;
  /** Called after each latent. */
  readonly onLatent?: (done: number, total: number) => void;
}

/**
 * Writes explanations of one style from evidence, without a language model. The same evidence, options and seed give the
 * same explanations.
 */
export interface Explainer<S extends Style> {
  readonly style: S;
  /** What it cannot do without. */
  readonly needs: readonly Extra[];
  /** What it writes better by, where it is there. */
  readonly uses: readonly Extra[];
  /**
   * One explanation of each latent that fires and of which something can be said in `maxTokens`, in order of latents.
   * @throws {RangeError} when the evidence is not as long as its text, or lacks what the explainer needs
   */
  explain(evidence: ExplainerEvidence, options: ExplainerOptions): InStyle<S>[];
}

/** @throws {RangeError} naming what is missing */
export function required<T>(extra: T | null, name: Extra): T {
  if (extra === null) throw new RangeError(`an explainer needs ${name}, and the evidence has none`);
  return extra;
}

/** Where a latent fires: positions rising, through all contexts. */
export interface Firing {
  readonly latent: number;
  /** Largest observed activation. */
  readonly scale: number;
  readonly positions: Uint32Array;
  readonly values: Float32Array;
}

/** The latents that fire, in order; progress is told after each one that was asked for. */
export function* firingLatents(
  { activations, latentScale }: Pick<ExplainerEvidence, 'activations' | 'latentScale'>,
  { onLatent }: Pick<ExplainerOptions, 'onLatent'>,
): Generator<Firing> {
  const { starts, positions, values } = byLatent(activations);
  for (let latent = 0; latent < activations.latents; latent++) {
    const [from, to] = [starts[latent]!, starts[latent + 1]!];
    const scale = latentScale[latent]!;
    if (scale > 0 && to > from) {
      yield { latent, scale, positions: positions.subarray(from, to), values: values.subarray(from, to) };
    }
    onLatent?.(latent + 1, activations.latents);
  }
}

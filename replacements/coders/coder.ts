/** How a coder keeps only a few latents: the `k` largest of all, or the largest of each of `k` equal groups. */
export type SparsityRule =
  | { readonly kind: 'topk'; readonly k: number }
  | { readonly kind: 'groupmax'; readonly k: number };

/** A float32 tensor of a coder: in memory, or at its place in a file, so that no weight need be copied. */
export type CoderTensor =
  | { readonly at: 'memory'; readonly data: Float32Array }
  | {
      readonly at: 'file';
      readonly folder: string;
      readonly file: string;
      readonly offset: number;
      readonly length: number;
    };

/**
 * A transcoder or SAE as it was read: `y = W_dec · sparse(relu(W_enc · (x - input bias) + b_enc)) + b_dec + W_skip · x`.
 * Shapes: encoder `[latent, input]`, encoderBias `[latent]`, decoder `[latent, output]`, decoderBias `[output]`,
 * skip `[output, input]`.
 */
export interface CoderSpec {
  /** sha256 of the weights' file: what explanations and calibrations of this coder are keyed by. */
  readonly id: string;
  readonly kind: 'transcoder' | 'sae';
  /** The hookpoint that it was trained on, e.g. `layers.6.mlp`; `null` where its files do not say. */
  readonly hookpoint: string | null;
  readonly inputWidth: number;
  readonly outputWidth: number;
  readonly latents: number;
  readonly sparsity: SparsityRule;
  /** Whether `b_dec` is subtracted from the input: SAEs do, and transcoders did before sparsify's fix of 2025-02-12. */
  readonly subtractsDecoderBias: boolean;
  readonly encoder: CoderTensor;
  readonly encoderBias: CoderTensor;
  readonly decoder: CoderTensor;
  readonly decoderBias: CoderTensor;
  readonly skip: CoderTensor | null;
}

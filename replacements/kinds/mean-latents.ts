import { componentInput, componentOutput, type Replacement } from '../../harness/index.js';
import { LatentRowsBuilder, nothingFires } from '../coders/latent-rows.js';
import type { SparseCoder } from '../coders/sparse-coder.js';
import { unrated } from './filling.js';

/** What the latents at their means add to the output, `[model]`. */
async function meanContribution(coder: SparseCoder, means: Float32Array): Promise<Float32Array> {
  const { latents, inputWidth } = coder.spec;
  const builder = new LatentRowsBuilder(latents);
  builder.push({ ids: Uint32Array.from(means.keys()), values: means });
  const nothing = componentInput(new Float32Array(inputWidth), 1);
  const [all, none] = [
    await coder.decode(builder.build(), nothing),
    await coder.decode(nothingFires(1, latents), nothing),
  ];
  return all.data.map((value, i) => value - none.data[i]!);
}

/**
 * Each latent at its mean over held-out text, all at once and without the sparsity rule: mean ablation of the latents.
 * @param means `[latent]`, zeros included
 * @throws {RangeError} when there is not one mean for each latent
 */
export function meanLatents(coder: SparseCoder, means: Float32Array): Replacement {
  const { latents } = coder.spec;
  if (means.length !== latents) throw new RangeError(`${means.length} means for ${latents} latents`);
  // The same at every position, so it is decoded once; only the skip path depends on the input.
  let contribution: Promise<Float32Array> | undefined;
  return {
    name: 'control-mean-latents',
    async fill(site) {
      contribution ??= meanContribution(coder, means);
      const added = await contribution;
      const rest = await coder.decode(nothingFires(site.positions.length, latents), site.input);
      return unrated(
        componentOutput(
          rest.data.map((value, i) => value + added[i % added.length]!),
          site.positions.length,
        ),
      );
    },
  };
}

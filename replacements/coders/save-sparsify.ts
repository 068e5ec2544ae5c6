import { encodeSafetensors } from '../../harness/index.js';
import type { CoderWeights, TrainRecipe, TrainReport } from './train.js';

/** The files of a sparsify checkpoint, by name: what `readSparsify` reads back. */
export function sparsifyFiles(
  recipe: TrainRecipe,
  weights: CoderWeights,
  report: TrainReport,
): ReadonlyMap<string, string | Uint8Array> {
  const cfg = {
    activation: 'topk',
    k: recipe.k,
    num_latents: recipe.latents,
    expansion_factor: recipe.latents / weights.get('b_dec')!.data.length,
    normalize_decoder: false,
    skip_connection: recipe.skip,
    transcode: recipe.kind === 'transcoder',
    d_in: weights.get('encoder.weight')!.shape[1],
  };
  const tensors = Array.from(weights, ([name, { shape, data }]) => ({ name, shape, data }));
  return new Map<string, string | Uint8Array>([
    ['cfg.json', `${JSON.stringify(cfg, null, 2)}\n`],
    ['sae.safetensors', encodeSafetensors(tensors)],
    ['training.json', `${JSON.stringify({ recipe, report }, null, 2)}\n`],
  ]);
}

import type { Replacement } from '../../harness/index.js';
import { rowByRow, unrated } from './filling.js';

/**
 * Mean ablation of the component: its mean output over held-out text.
 * @param mean `[model]`
 */
export function meanOutput(mean: Float32Array): Replacement {
  return { name: 'mean', fill: async (site) => unrated(rowByRow(site, () => mean)) };
}

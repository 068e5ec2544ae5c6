import { componentOutput, type Replacement } from '../../harness/index.js';
import { unrated } from './filling.js';

/** Zero ablation of the component: its output is the zero vector. */
export const zeroOutput: Replacement = {
  name: 'zero-output',
  fill: async (site) => unrated(componentOutput(new Float32Array(site.output.data.length), site.positions.length)),
};

import { componentOutput, type Replacement } from '../../harness/index.js';
import { unrated } from './filling.js';

/** The component's own output, written back: what must change nothing. */
export const original: Replacement = {
  name: 'original',
  fill: async (site) => unrated(componentOutput(site.output.data.slice(), site.positions.length)),
};

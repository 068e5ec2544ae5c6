import { type ComponentOutput, type Replacement, seededRandom } from '../../harness/index.js';
import { rowByRow, unrated } from './filling.js';

/**
 * Resample ablation: the component's output at a random position of held-out text, drawn anew for each position.
 * @param pool `[position, model]` outputs to draw from
 * @throws {RangeError} when the pool is empty
 */
export function resampleOutput(pool: ComponentOutput, seed: number): Replacement {
  const [size, width] = pool.shape;
  if (size === 0) throw new RangeError('there is no output to draw from');
  return {
    name: 'resample',
    async fill(site) {
      const random = seededRandom(`${seed}/${site.context.id}`);
      return unrated(
        rowByRow(site, () => {
          const drawn = random.integer(size);
          return pool.data.subarray(drawn * width, (drawn + 1) * width);
        }),
      );
    },
  };
}

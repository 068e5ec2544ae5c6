import {
  type ComponentOutput,
  componentOutput,
  type Filling,
  type Replacement,
  type Site,
  seededRandom,
} from '../../harness/index.js';

/** A filling that asked for no ratings. */
export function unrated(output: ComponentOutput): Filling {
  return { output, missing: null, dropped: null };
}

function rows(site: Site, row: (index: number) => Float32Array): ComponentOutput {
  const { width } = site.hookpoint;
  const data = new Float32Array(site.positions.length * width);
  for (let index = 0; index < site.positions.length; index++) data.set(row(index), index * width);
  return componentOutput(data, site.positions.length);
}

/** The component's own output, written back: what must change nothing. */
export const original: Replacement = {
  name: 'original',
  fill: async (site) => unrated(componentOutput(site.output.data.slice(), site.positions.length)),
};

/** Zero ablation of the component: its output is the zero vector. */
export const zeroOutput: Replacement = {
  name: 'zero-output',
  fill: async (site) => unrated(componentOutput(new Float32Array(site.output.data.length), site.positions.length)),
};

/**
 * Mean ablation of the component: its mean output over held-out text.
 * @param mean `[model]`
 */
export function meanOutput(mean: Float32Array): Replacement {
  return { name: 'mean', fill: async (site) => unrated(rows(site, () => mean)) };
}

/**
 * Resample ablation: the component's output at a random position of held-out text, drawn anew for each position.
 * @param pool `[position, model]` outputs to draw from
 */
export function resampleOutput(pool: ComponentOutput, seed: number): Replacement {
  const [size, width] = pool.shape;
  return {
    name: 'resample',
    async fill(site) {
      const random = seededRandom(`${seed}/${site.context.id}`);
      return unrated(
        rows(site, () => {
          const drawn = random.integer(size);
          return pool.data.subarray(drawn * width, (drawn + 1) * width);
        }),
      );
    },
  };
}

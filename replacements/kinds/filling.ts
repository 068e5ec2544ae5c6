import { type ComponentOutput, componentOutput, type Filling, type Site } from '../../harness/index.js';

/** A filling that asked for no ratings. */
export function unrated(output: ComponentOutput): Filling {
  return { output, missing: null, dropped: null };
}

/**
 * One row for each of the site's positions.
 * @throws {RangeError} when a row has not the hookpoint's width
 */
export function rowByRow({ hookpoint, positions }: Site, row: (index: number) => Float32Array): ComponentOutput {
  const { width } = hookpoint;
  const data = new Float32Array(positions.length * width);
  for (let index = 0; index < positions.length; index++) {
    const values = row(index);
    if (values.length !== width) throw new RangeError(`a row of ${values.length} values for width ${width}`);
    data.set(values, index * width);
  }
  return componentOutput(data, positions.length);
}

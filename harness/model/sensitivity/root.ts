/**
 * A square root L of the Fisher information that scores are samples of, so that an error e in a component's output costs
 * ½ |e L|² nats of KL: what `e L` and `f L` have in common says how errors add up where the model minds them, as `e` and `f`
 * by themselves do not. As many directions in which nothing is known of each other as there are values in the output are
 * taken into the mean, each with the mean information of one value: few samples of a wide output leave directions unseen.
 * @param scores `[sample, width]`, as `OutputScores` gives them
 * @returns `[width, width]`, lower triangular (Cholesky); `null` where all scores are 0, so that no error would cost anything
 * @throws {RangeError} for no whole number of samples, or none
 */
export function fisherRoot(scores: Float32Array, width: number): Float32Array | null {
  const samples = scores.length / width;
  if (!Number.isInteger(samples) || samples === 0) throw new RangeError(`${scores.length} scores of width ${width}`);
  const fisher = new Float64Array(width * width);
  for (let start = 0; start < scores.length; start += width) {
    for (let i = 0; i < width; i++) {
      const value = scores[start + i]!;
      for (let j = 0; j <= i; j++) fisher[i * width + j]! += value * scores[start + j]!;
    }
  }
  let trace = 0;
  for (let i = 0; i < width; i++) trace += fisher[i * width + i]!;
  if (trace === 0) return null;
  // Width more samples that hold, together, as much of every direction.
  for (let i = 0; i < width; i++) fisher[i * width + i]! += trace / samples;
  return Float32Array.from(cholesky(fisher, width), (value) => value / Math.sqrt(samples + width));
}

/** @param matrix `[width, width]`, symmetric and positive; its upper half is not read */
function cholesky(matrix: Float64Array, width: number): Float64Array {
  const root = new Float64Array(width * width);
  for (let i = 0; i < width; i++) {
    for (let j = 0; j <= i; j++) {
      let left = matrix[i * width + j]!;
      for (let k = 0; k < j; k++) left -= root[i * width + k]! * root[j * width + k]!;
      root[i * width + j] = i === j ? Math.sqrt(left) : left / root[j * width + j]!;
    }
  }
  return root;
}

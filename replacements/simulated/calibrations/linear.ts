import type { Calibration } from '../calibration.js';

/** Of the pseudo-position, in typical true activations. */
const LEAST_SIZE = 0.5;

/**
 * One slope a latent: the least-squares fit of true on simulated activations through the origin, so that zero stays
 * zero. Positions where the simulation is 0 do not move it.
 *
 * Shrunk towards leaving things as they are by one pseudo-position of typical size with true = simulated: with no
 * simulated activation at all the slope is 1, and a handful of positions cannot run away. Its size is at least half of
 * a typical true activation: a reader that is sure of silence gives expected ratings of a millionth, and were these all
 * that a latent has, one firing that it missed would make the slope a million.
 */
export const linear: Calibration = {
  id: 'linear',
  fit({ simulated, actual }) {
    let products = 0;
    let squares = 0;
    let nonZero = 0;
    let actualSquares = 0;
    let firing = 0;
    for (const [i, value] of simulated.entries()) {
      if (value === 0) continue;
      products += value * actual[i]!;
      squares += value * value;
      nonZero++;
      actualSquares += actual[i]! ** 2;
      firing += Number(actual[i]! > 0);
    }
    if (nonZero === 0) return (value) => value;
    const least = LEAST_SIZE ** 2 * (actualSquares / Math.max(1, firing));
    const pseudo = Math.max(squares / nonZero, least);
    const slope = (products + pseudo) / (squares + pseudo);
    return (value) => slope * value;
  },
};

import type { Calibration } from '../calibration.js';

/**
 * One slope a latent: the least-squares fit of true on simulated activations through the origin, so that zero stays
 * zero. Positions where the simulation is 0 do not move it.
 *
 * Shrunk towards leaving things as they are by one pseudo-position of typical size with true = simulated: with no
 * simulated activation at all the slope is 1, and a handful of positions cannot run away.
 */
export const linear: Calibration = {
  id: 'linear',
  fit({ simulated, actual }) {
    let products = 0;
    let squares = 0;
    let nonZero = 0;
    for (const [i, value] of simulated.entries()) {
      if (value === 0) continue;
      products += value * actual[i]!;
      squares += value * value;
      nonZero++;
    }
    if (nonZero === 0) return (value) => value;
    const pseudo = squares / nonZero;
    const slope = (products + pseudo) / (squares + pseudo);
    return (value) => slope * value;
  },
};

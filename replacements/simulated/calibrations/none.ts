import type { Calibration } from '../calibration.js';

/** Leaves scaled ratings as they are. */
export const none: Calibration = { id: 'none', fit: () => (simulated) => simulated };

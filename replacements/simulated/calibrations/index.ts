import type { Calibration } from '../calibration.js';
import { conditionalMean } from './conditional-mean.js';
import { linear } from './linear.js';
import { none } from './none.js';
import { quantile } from './quantile.js';

/** Every calibration by its id. A new one is a file here and one line. */
export const calibrations = {
  none,
  linear,
  quantile,
  'conditional-mean': conditionalMean,
} as const satisfies Record<string, Calibration>;

export type CalibrationId = keyof typeof calibrations;

/** Their names, in this order. */
export const calibrationIds = Object.keys(calibrations) as readonly CalibrationId[];

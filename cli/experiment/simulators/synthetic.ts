import { z } from 'zod';
import { synthetic } from '../../../replacements/index.js';
import { FREE, noUsage, simulatorKind } from './kind.js';

const share = z.number().min(0).max(1);
const schema = z.strictObject({
  kind: z.literal('synthetic'),
  sensitivity: share,
  specificity: share,
  magnitudeCorrelation: share.default(1),
});

export const syntheticKind = simulatorKind(schema, ({ kind, ...dials }) => ({
  ...FREE,
  reader: kind,
  oracle: true,
  async open({ evidence, seed }) {
    if (evidence === null) throw new Error('an oracle is opened with the evidence that it looks at');
    const { scale, observed } = evidence;
    return { simulator: synthetic({ ...dials, falseAlarms: 'own', seed }, { scale, observed }), usage: noUsage };
  },
}));

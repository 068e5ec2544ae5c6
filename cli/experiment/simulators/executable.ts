import { z } from 'zod';
import { executable } from '../../../replacements/index.js';
import { FREE, noUsage, simulatorKind } from './kind.js';

export const executableKind = simulatorKind(z.strictObject({ kind: z.literal('executable') }), () => ({
  ...FREE,
  reader: 'executable',
  oracle: false,
  open: async () => ({ simulator: executable(), usage: noUsage }),
}));

import { defineConfig } from 'vitest/config';

// Machines are shared and can be slow: a limit is there to end what hangs, not to measure. On two cores one worker alone,
// which is the default, would take twice as long.
export default defineConfig({ test: { testTimeout: 60_000, hookTimeout: 120_000, maxWorkers: '100%' } });

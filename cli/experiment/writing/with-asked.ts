import type { SimulatorConfig } from '../simulators/index.js';
import type { WritingConfig } from './config.js';

/** The same with writer and judge put through `change`, which makes no other kind of an endpoint. */
export function withAsked(
  config: WritingConfig,
  change: (simulator: SimulatorConfig) => SimulatorConfig,
): WritingConfig {
  const by = change(config.by);
  if (by.kind !== 'openai') throw new TypeError(`${by.kind} writes no explanations`);
  return { ...config, by, ...(config.judge && { judge: change(config.judge) }) };
}

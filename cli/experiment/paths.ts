import type { CoderConfig, Experiment, SimulatedConfig } from './schema.js';
import type { SimulatorConfig } from './simulators/index.js';
import { withAsked } from './writing/with-asked.js';

/** An entry with everybody whom it asks put through `change`: its simulator, and who writes and judges explanations. */
export function withSimulators(
  entry: SimulatedConfig,
  change: (simulator: SimulatorConfig) => SimulatorConfig,
): SimulatedConfig {
  const { simulator, explanations } = entry;
  const changed = { ...entry, simulator: change(simulator) };
  if (explanations === null || !('induce' in explanations) || !('by' in explanations.induce)) return changed;
  return { ...changed, explanations: { induce: withAsked(explanations.induce, change) } };
}

/** An experiment with each of its paths put through `at`. */
export function mapPaths<T extends Experiment>(experiment: T, at: (path: string) => string): T {
  const text = <P extends { readonly path: string }>(part: P): P => ({ ...part, path: at(part.path) });
  const { texts } = experiment;
  const coderAt = (coder: CoderConfig): CoderConfig => {
    if ('sparsify' in coder) return { sparsify: at(coder.sparsify) };
    return 'path' in coder ? { ...coder, path: at(coder.path) } : coder;
  };
  const simulatorAt = (simulator: SimulatorConfig): SimulatorConfig => {
    const here = simulator.kind === 'local' ? { ...simulator, model: at(simulator.model) } : simulator;
    return 'prompts' in here && here.prompts !== undefined ? { ...here, prompts: at(here.prompts) } : here;
  };
  const explanationsAt = (explanations: SimulatedConfig['explanations']): SimulatedConfig['explanations'] => {
    if (explanations === null) return null;
    return 'file' in explanations ? { file: at(explanations.file) } : explanations;
  };
  return {
    ...experiment,
    model: at(experiment.model),
    rewrites: experiment.rewrites.map((rewrite) => ({ ...rewrite, coder: coderAt(rewrite.coder) })),
    texts: {
      evidence: text(texts.evidence),
      ...(texts.training && { training: text(texts.training) }),
      calibration: text(texts.calibration),
      evaluation: text(texts.evaluation),
    },
    simulated: experiment.simulated.map((each) =>
      withSimulators({ ...each, explanations: explanationsAt(each.explanations) }, simulatorAt),
    ),
  };
}

import { type FetchOptions, type HubKind, isHubReference } from '../hub/index.js';
import { type FetchedSource, fetched } from './fetched.js';
import { mapPaths } from './paths.js';
import type { Experiment } from './schema.js';

/** An experiment with every reference to the hub fetched and in its place the path of what came. */
export async function fetchedExperiment<T extends Experiment>(
  experiment: T,
  options: FetchOptions,
): Promise<{ readonly experiment: T; readonly sources: readonly FetchedSource[] }> {
  const wanted = new Map<string, HubKind>();
  if (isHubReference(experiment.model)) wanted.set(experiment.model, 'model');
  for (const { coder } of experiment.rewrites) {
    if ('path' in coder && isHubReference(coder.path)) wanted.set(coder.path, 'coder');
    if ('sparsify' in coder && isHubReference(coder.sparsify)) wanted.set(coder.sparsify, 'coder');
  }
  for (const { explanations } of experiment.simulated) {
    if (explanations && 'file' in explanations && isHubReference(explanations.file)) {
      wanted.set(explanations.file, 'explanations');
    }
  }
  const sources: FetchedSource[] = [];
  for (const [reference, kind] of wanted) {
    const { source } = await fetched(reference, kind, options);
    if (source) sources.push(source);
  }
  const paths = new Map(sources.map(({ reference, path }) => [reference, path]));
  return { experiment: mapPaths(experiment, (path) => paths.get(path) ?? path), sources };
}

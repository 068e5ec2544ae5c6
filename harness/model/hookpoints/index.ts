import { UsageError } from '../../errors.js';
import type { Hookpoint } from '../../replacement.js';
import { architectures } from '../architectures/index.js';
import type { ModelConfig } from '../config.js';
import type { FoundLayer, Surveyed } from './found.js';
import { findByScope } from './scoped.js';
import { findByStructure } from './structural.js';

export type { Surveyed } from './found.js';

/** A hookpoint that the user describes by tensor names of the graph, for models that no finder reads. */
export interface NamedHookpoint {
  /** `layers.N.mlp` or `layers.N`. */
  readonly hookpoint: string;
  readonly reads: string;
  readonly writes: string;
}

const ID = /^layers\.(\d+)(\.mlp)?$/;

/**
 * The hookpoints of every layer, by node names where the architecture's are known and by structure otherwise. Those that
 * the user names come in place of those found.
 * @throws {UsageError} `HOOKPOINT_INVALID` for a name that does not fit the graph
 */
export function findHookpoints(
  survey: Surveyed,
  config: ModelConfig,
  named: readonly NamedHookpoint[] = [],
): readonly Hookpoint[] {
  const scopes = architectures.find(({ modelType }) => modelType === config.architecture);
  const layers = (scopes && findByScope(survey, scopes, config.layers)) ?? findByStructure(survey, config.layers) ?? [];
  const hookpoints = new Map(
    layers.flatMap((layer, number) => asHookpoints(layer, number, config.width)).map((found) => [found.id, found]),
  );
  for (const given of named) hookpoints.set(given.hookpoint, checkNamed(survey, given, config));
  return [...hookpoints.values()].sort((a, b) => a.layer - b.layer || b.id.length - a.id.length);
}

function asHookpoints({ mlpReads, mlpWrites, residual }: FoundLayer, layer: number, width: number): Hookpoint[] {
  return [
    { id: `layers.${layer}.mlp`, layer, component: 'mlp', reads: mlpReads, writes: mlpWrites, width },
    { id: `layers.${layer}`, layer, component: 'residual', reads: residual, writes: residual, width },
  ];
}

function checkNamed({ index, stream, logits }: Surveyed, given: NamedHookpoint, config: ModelConfig): Hookpoint {
  const refuse = (found: string) =>
    new UsageError('HOOKPOINT_INVALID', `Hookpoint ${given.hookpoint} ${found}.`, 'Look the names up in the graph.');
  const id = ID.exec(given.hookpoint);
  if (id === null) throw refuse('is not called layers.N.mlp or layers.N');
  const layer = Number(id[1]);
  if (layer >= config.layers) throw refuse(`lies behind the model's ${config.layers} layers`);
  for (const name of [given.reads, given.writes]) {
    if (!index.has(name)) throw refuse(`names ${name}, which is no tensor of the model`);
    if (!stream.has(name)) throw refuse(`names ${name}, which does not depend on the tokens`);
  }
  if (!index.ancestors(given.writes).has(given.reads))
    throw refuse(`writes ${given.writes} before ${given.reads} is there`);
  if (!index.ancestors(logits).has(given.writes)) throw refuse(`writes ${given.writes}, which no logit depends on`);
  const component = id[2] === undefined ? 'residual' : 'mlp';
  if (component === 'residual' && given.reads !== given.writes) throw refuse('must read and write the same tensor');
  return { id: given.hookpoint, layer, component, reads: given.reads, writes: given.writes, width: config.width };
}

/**
 * @throws {UsageError} `HOOKPOINT_UNKNOWN`, listing those found
 */
export function chooseHookpoint(hookpoints: readonly Hookpoint[], id: string, model: string): Hookpoint {
  const chosen = hookpoints.find((hookpoint) => hookpoint.id === id);
  if (chosen !== undefined) return chosen;
  const next =
    hookpoints.length === 0
      ? 'None were found in its graph: name the tensors with `reads` and `writes`.'
      : `It has ${hookpoints.map((hookpoint) => hookpoint.id).join(', ')}.`;
  throw new UsageError('HOOKPOINT_UNKNOWN', `${model} has no hookpoint ${id}.`, next);
}

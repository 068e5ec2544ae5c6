import type { Context } from '../../harness/index.js';
import type { QueryShape } from '../../replacements/index.js';
import { armIds } from './arm-ids.js';
import { contentKey } from './cache.js';
import { type Forecast, NOTHING_KNOWN } from './forecast.js';
import { mapPaths } from './paths.js';
import { countPositions, type Explained, type PlannedQueries, planQueries } from './planned-queries.js';
import { type Experiment, entryName, writingOf } from './schema.js';
import { chosenSimulator } from './simulators/index.js';
import type { ExperimentTexts } from './texts.js';
import { type PlannedWriting, planWriting } from './writing/planned.js';

export { describePlan } from './describe-plan.js';
export type { Explained, PlannedQueries } from './planned-queries.js';

/** What a run will do, before it does it. */
export interface Plan {
  readonly id: string;
  readonly protocol: Experiment['protocol'];
  readonly contexts: number;
  readonly positions: number;
  readonly arms: readonly string[];
  /** Arms that are measured only if induction leaves some latents without an explanation. */
  readonly mayAppear: readonly string[];
  readonly queries: readonly PlannedQueries[];
  /** Explanations that a language model writes first; those that several entries share once. */
  readonly writing: readonly PlannedWriting[];
  /** Queries to endpoints, over all simulators, writers and their judges; answers already stored are asked again of nobody. */
  readonly paidQueries: number;
}

/** Names of the arms of an experiment, without opening anything; and of those that hang on what can be explained. */
function armNames(
  experiment: Experiment,
  explained: readonly (readonly Explained[])[],
): Pick<Plan, 'arms' | 'mayAppear'> {
  const { controls } = experiment;
  const mayAppear: string[] = [];
  const simulated = experiment.simulated.flatMap((config, index) => {
    const { simulator, calibrations, fractions, selections, shuffled } = config;
    const name = entryName(config);
    const [first, ...rest] = calibrations;
    const partial = fractions.flatMap((fraction) =>
      fraction === 1
        ? [armIds.rewrite(name, first!, 1, null)]
        : selections.map((selection) => armIds.rewrite(name, first!, fraction, selection)),
    );
    const control = shuffled && !chosenSimulator(simulator).oracle ? [armIds.shuffled(name, first!)] : [];
    const of = explained[index]!;
    const partly = of.some((each) => 'given' in each && each.given.size < each.width);
    const silenced = partly ? [armIds.silenced(name)] : [];
    // Patterns are induced of latents that were seen to fire; which those are is not known yet.
    const induced = of.some((each) => !('given' in each)) && config.explanations !== null;
    if (!partly && induced) mayAppear.push(armIds.silenced(name));
    return [
      ...partial,
      ...rest.map((calibration) => armIds.rewrite(name, calibration, 1, null)),
      ...control,
      ...silenced,
    ];
  });
  const arms = [
    ...['original', 'zero-output', 'zero-latents', 'mean', 'resample', 'coder'],
    ...(controls.meanLatents ? ['control-mean-latents'] : []),
    ...controls.ngram.map((order) => `control-ngram-${order}`),
    ...simulated,
  ];
  return { arms, mayAppear };
}

function planWritings(experiment: Experiment, explained: readonly (readonly Explained[])[]): readonly PlannedWriting[] {
  const planned = experiment.simulated.flatMap((config, index) => {
    const writing = writingOf(config);
    if (writing === null) return [];
    const latents = explained[index]!.map((each) => ('given' in each ? each.width : each.atMost));
    const all = latents.reduce((sum, width) => sum + width, 0);
    return [[JSON.stringify(writing), planWriting(writing, all, experiment.prices)] as const];
  });
  return [...new Map(planned).values()];
}

/**
 * Counts what a run will measure and ask.
 * @param explained one entry for each of `experiment.simulated`, with one for each hookpoint
 * @param shapes how each of `experiment.simulated` puts its questions; `null` for those that ask nobody
 * @param forecast what earlier runs tell of time and intervals
 */
export function planRun(
  experiment: Experiment,
  texts: ExperimentTexts,
  explained: readonly (readonly Explained[])[],
  shapes: readonly (QueryShape | null)[],
  forecast: Forecast = NOTHING_KNOWN,
): Plan {
  const { protocol } = experiment;
  const queries = experiment.simulated.map((config, index) =>
    planQueries(experiment, config, texts, explained[index]!, shapes[index] ?? null, forecast),
  );
  const writing = planWritings(experiment, explained);
  const ids = ({ contexts }: { readonly contexts: readonly Context[] }) => contexts.map(({ id }) => id);
  return {
    id: contentKey(
      'plan@1',
      mapPaths(experiment, () => ''),
      ids(texts.evidence),
      ids(texts.calibration),
      ids(texts.evaluation),
    ),
    protocol,
    contexts: texts.evaluation.contexts.length,
    positions: countPositions(texts.evaluation.contexts, protocol),
    ...armNames(experiment, explained),
    queries,
    writing,
    paidQueries: [
      ...queries.map(({ paid, queries: asked }) => (paid ? asked : 0)),
      ...writing.map(({ queries: asked }) => asked),
    ].reduce((sum, asked) => sum + asked, 0),
  };
}

import { type ArmDescription, latentTally, type RunArm, type Sampling, scoredPositions } from '../../eval/index.js';
import type { Explanation } from '../../explanations/index.js';
import { type Context, type Reader, type Replacement, type Site, seededRandom } from '../../harness/index.js';
import {
  type Calibrated,
  type CalibrationBatch,
  type CoderEvidence,
  calibrationIds,
  calibrations,
  coderArm,
  collectPairs,
  fitCalibrations,
  fitNgramTable,
  type LatentPredictor,
  meanLatents,
  meanOutput,
  ngramPredictor,
  nothingFires,
  perHookpoint,
  resampleOutput,
  rewriteArm,
  type ScaledRatings,
  type SparseCoder,
  shuffleExplanations,
  simulatedPredictor,
  type Truth,
  zeroLatents,
  zeroOutput,
} from '../../replacements/index.js';
import { armIds } from './arm-ids.js';
import type { Progress } from './progress.js';
import { type PlannedRatings, ratingsByPlan } from './ratings.js';
import type { LazySamplingBasis } from './sampling.js';
import { type AskingPlan, type CalibrationConfig, type Experiment, entryName, type SimulatedConfig } from './schema.js';
import type { OpenSimulator } from './simulators/index.js';
import { sitesOf } from './sites.js';
import type { ExperimentTexts } from './texts.js';

/** All that the arms of one hookpoint are built from. */
export interface Stage {
  readonly experiment: Experiment;
  /** Reads the unedited model at the hookpoint. */
  readonly reader: Reader;
  readonly coder: SparseCoder;
  /** Where the coder was read from, or trained into. */
  readonly coderFolder: string;
  readonly evidence: CoderEvidence;
  readonly texts: ExperimentTexts;
  readonly truth: Truth;
  /** What sampled plans go by. */
  readonly basis: LazySamplingBasis;
  readonly signal: AbortSignal;
}

/** One entry of `simulated`, with its explanations and simulator opened. */
export interface OpenSimulated {
  readonly config: SimulatedConfig;
  readonly explanations: ReadonlyMap<number, Explanation>;
  /** False where the budget ended the writing of the explanations: there are too few to be measured. */
  readonly complete: boolean;
  readonly open: OpenSimulator;
}

/** A simulator under one calibration: what latents are scored by, and the arm at fraction 1 that shows it. */
export interface ScoredPredictor {
  readonly simulated: OpenSimulated;
  readonly calibration: CalibrationConfig;
  /** One; where ratings were imputed, one for each imputation. */
  readonly predictors: readonly LatentPredictor[];
  /** Latents whose ratings were asked at each of a site's positions; `null` where that is all of them. */
  readonly asked: PlannedRatings['asked'];
  readonly arm: string;
}

const NOTHING = { style: null, simulator: null, calibration: null, selection: null, fraction: null } as const;

function plain(kind: string, replacement: Replacement | null): RunArm {
  return { description: { id: kind, kind, ...NOTHING }, replacements: replacement && [replacement], rated: null };
}

/** The ends of the scale and the ablations: none of them reads an explanation. */
export function baselineArms({ experiment, coder, evidence, truth }: Stage): RunArm[] {
  const { meanLatents: withMeans } = experiment.controls;
  return [
    plain('original', null),
    plain('zero-output', zeroOutput),
    plain('zero-latents', zeroLatents(coder)),
    plain('mean', meanOutput(evidence.meanOutput)),
    plain('resample', resampleOutput(evidence.outputs, experiment.seed)),
    plain('coder', coderArm(coder, truth)),
    ...(withMeans ? [plain('control-mean-latents', meanLatents(coder, evidence.means))] : []),
  ];
}

/** Tables of local context, without any explanation. */
export function ngramArms({ experiment, coder, evidence, truth }: Stage): RunArm[] {
  const width = coder.spec.latents;
  return experiment.controls.ngram.map((order) => {
    const name = `control-ngram-${order}`;
    const predictor = ngramPredictor(fitNgramTable(evidence, order), width);
    const selected = new Uint8Array(width).fill(1);
    return plain(name, rewriteArm({ name, coder, truth, predictor, selected, missing: experiment.missing }));
  });
}

/**
 * Ratings and truth at the positions a calibration may see, one list for each version of the ratings. Paid and sampled
 * ratings are asked only where the protocol scores.
 */
async function batchesOf(
  { reader, truth, signal, experiment }: Stage,
  contexts: readonly Context[],
  versions: readonly ScaledRatings[],
  everyToken: boolean,
): Promise<CalibrationBatch[][]> {
  const at = everyToken ? undefined : (context: Context) => scoredPositions(context, experiment.protocol);
  const batches = versions.map((): CalibrationBatch[] => []);
  for await (const site of sitesOf(reader, contexts, signal, at)) {
    signal.throwIfAborted();
    const actual = await truth(site, signal);
    for (const [m, ratings] of versions.entries()) {
      batches[m]!.push({ simulated: await ratings(site, signal), actual });
    }
  }
  return batches;
}

/** What calibrations are fitted on: one list for each version of the ratings. */
interface Fitting {
  readonly heldOut: readonly (readonly CalibrationBatch[])[];
  readonly inSample: () => Promise<readonly (readonly CalibrationBatch[])[]>;
  readonly latents: readonly number[];
}

/** One fit for each version of the ratings. */
async function fit(
  calibration: CalibrationConfig,
  { heldOut, inSample, latents }: Fitting,
): Promise<readonly ReadonlyMap<number, Calibrated>[]> {
  const id = calibrationIds.find((each) => calibration === each || calibration === `${each}-in-sample`)!;
  const own = calibration !== id;
  const versions = own ? await inSample() : heldOut;
  return versions.map((batches) => fitCalibrations(calibrations[id], collectPairs(batches, latents)));
}

/** Explained latents, best first by F1 of firing on the calibration text. */
function rankByF1(stage: Stage, batches: readonly CalibrationBatch[], latents: readonly number[]): number[] {
  const tally = latentTally(stage.coder.spec.latents);
  for (const { actual, simulated } of batches) tally.add(actual, simulated, simulated.missing);
  const f1 = new Map(latents.map((latent) => [latent, tally.scores(latent).f1 ?? -1]));
  return [...latents].sort((a, b) => f1.get(b)! - f1.get(a)! || a - b);
}

/** Ratings of selected latents that are asked over a site's positions. */
function askedOf(asked: PlannedRatings['asked'], selected: Uint8Array): (site: Site) => number {
  const all = selected.reduce((sum, each) => sum + each, 0);
  return (site) =>
    asked(site)?.reduce((sum, latents) => sum + latents.filter((latent) => selected[latent] === 1).length, 0) ??
    all * site.positions.length;
}

function selectFirst(order: readonly number[], fraction: number, width: number): Uint8Array {
  const selected = new Uint8Array(width);
  for (const latent of order.slice(0, Math.round(fraction * order.length))) selected[latent] = 1;
  return selected;
}

const shuffledLatents = ({ experiment }: Stage, latents: readonly number[]): number[] =>
  seededRandom(`${experiment.seed}/sampled`).shuffle(latents);

/**
 * Which latents the arm of an adaptive plan's contrast rewrites, by what the first wave says; all, under another plan.
 * @param latents those that are explained, rising
 */
export function contrastLatents(
  stage: Stage,
  plan: AskingPlan,
  latents: readonly number[],
): (firstWave: ScaledRatings) => Promise<Uint8Array> {
  const width = stage.coder.spec.latents;
  return async (firstWave) => {
    if (plan.kind !== 'adaptive' || plan.contrast.fraction === 1) return selectFirst(latents, 1, width);
    const { fraction, selection } = plan.contrast;
    if (selection === 'sampled') return selectFirst(shuffledLatents(stage, latents), fraction, width);
    const [known] = await batchesOf(stage, stage.texts.calibration.contexts, [firstWave], false);
    return selectFirst(rankByF1(stage, known!, latents), fraction, width);
  };
}

/** What is built of one entry of `simulated` at one hookpoint. */
export interface SimulatedArms {
  readonly arms: readonly RunArm[];
  readonly scored: readonly ScoredPredictor[];
  /** Empty where everything is asked. */
  readonly sampling: readonly Sampling[];
}

/**
 * The arms of one simulator with one set of explanations: every fraction and order, every calibration, its controls.
 * @param partly whether, at any of the hookpoints that are rewritten together, only a part of the latents is explained
 */
export async function simulatedArms(
  stage: Stage,
  simulated: OpenSimulated,
  partly: boolean,
  progress: Progress,
): Promise<SimulatedArms> {
  const { experiment, coder, truth, texts } = stage;
  const { config, explanations, open } = simulated;
  const width = coder.spec.latents;
  const latents = [...explanations.keys()].sort((a, b) => a - b);
  const name = entryName(config);
  const kind = open.oracle ? 'oracle-synthetic' : 'simulated';
  const bar = progress(`Calibrating ${name}`, config.calibrations.length, 'calibrations');
  const everyToken = !open.paid && config.plan.kind === 'exhaustive';
  const sampledOrder = shuffledLatents(stage, latents);
  const rewritten = contrastLatents(stage, config.plan, latents);
  const own = await ratingsByPlan(stage, simulated, explanations, 'own', rewritten, progress);
  const heldOut = await batchesOf(stage, texts.calibration.contexts, own.versions, everyToken);
  let ownBatches: Promise<CalibrationBatch[][]> | undefined;
  const inSample = () => {
    ownBatches ??= batchesOf(stage, texts.evaluation.contexts, own.versions, false);
    return ownBatches;
  };
  const orders = { top: rankByF1(stage, heldOut.flat(), latents), sampled: sampledOrder };

  const arms: RunArm[] = [];
  const scored: ScoredPredictor[] = [];
  const sampling: Sampling[] = own.sampling ? [own.sampling] : [];
  const { missing } = experiment;
  const arm = (
    description: ArmDescription,
    predictors: readonly LatentPredictor[],
    selected: Uint8Array,
    asked: PlannedRatings['asked'],
  ): RunArm => ({
    description,
    replacements: predictors.map((predictor) =>
      rewriteArm({ name: description.id, coder, truth, predictor, selected, missing }),
    ),
    rated: askedOf(asked, selected),
  });
  for (const [index, calibration] of config.calibrations.entries()) {
    const calibrated = await fit(calibration, { heldOut, inSample, latents });
    const predictors = own.versions.map((ratings, m) =>
      simulatedPredictor(`${name}:${calibration}`, ratings, latents, width, calibrated[m]!),
    );
    const common = { kind, style: config.style, simulator: open.simulator.id, calibration };
    const fractions = index === 0 ? config.fractions : [1];
    for (const fraction of fractions) {
      // At fraction 1 every latent is rewritten, in whatever order.
      for (const selection of fraction === 1 ? [null] : config.selections) {
        const id = armIds.rewrite(name, calibration, fraction, selection);
        arms.push(
          arm(
            { id, ...common, selection, fraction },
            predictors,
            selectFirst(orders[selection ?? 'top'], fraction, width),
            own.asked,
          ),
        );
      }
    }
    const full = armIds.rewrite(name, calibration, 1, null);
    scored.push({ simulated, calibration, predictors, asked: own.asked, arm: full });
    bar.at(index + 1);
  }
  if (config.shuffled && !open.oracle) {
    const others = shuffleExplanations(explanations, experiment.seed);
    const [calibration] = config.calibrations;
    const everything = async () => selectFirst(latents, 1, width);
    const rated = await ratingsByPlan(stage, simulated, others, 'shuffled', everything, progress);
    if (rated.sampling) sampling.push(rated.sampling);
    const calibrated = await fit(calibration!, {
      heldOut: await batchesOf(stage, texts.calibration.contexts, rated.versions, everyToken),
      inSample: () => batchesOf(stage, texts.evaluation.contexts, rated.versions, false),
      latents,
    });
    const id = armIds.shuffled(name, calibration!);
    const common = { style: config.style, simulator: open.simulator.id, calibration: calibration! };
    const description = { ...NOTHING, ...common, id, kind: 'control-shuffled', fraction: 1 };
    const predictors = rated.versions.map((ratings, m) =>
      simulatedPredictor(id, ratings, latents, width, calibrated[m]!),
    );
    arms.push(arm(description, predictors, selectFirst(latents, 1, width), rated.asked));
  }
  if (partly && !open.oracle) arms.push(silencedControl(stage, name, config.style, latents));
  bar.end();
  return { arms, scored, sampling };
}

/**
 * The explained latents silenced, the others true: what explanations of a part of the latents must beat. Zero-output and
 * zero-latents take all of them away, which is another question.
 */
function silencedControl(
  { coder, truth, experiment }: Stage,
  name: string,
  style: ArmDescription['style'],
  latents: readonly number[],
): RunArm {
  const id = armIds.silenced(name);
  const width = coder.spec.latents;
  const selected = selectFirst(latents, 1, width);
  const predictor: LatentPredictor = {
    name: id,
    covers: selected,
    asksRatings: false,
    predict: async (site) => ({ activations: nothingFires(site.positions.length, width), missing: [] }),
  };
  return {
    description: { ...NOTHING, id, kind: 'control-silenced', style, fraction: 1 },
    replacements: [rewriteArm({ name: id, coder, truth, predictor, selected, missing: experiment.missing })],
    rated: null,
  };
}

/**
 * Arms over all hookpoints, of those that were built for each: an arm is filled at every hookpoint by its own
 * replacement there.
 * @param built one list for each stage, of the same arms
 */
export function acrossHookpoints(stages: readonly Stage[], built: readonly (readonly RunArm[])[]): readonly RunArm[] {
  const [first, ...others] = built;
  if (others.length === 0) return first!;
  return first!.map(({ description }) => {
    const { id } = description;
    const arms = built.map((each) => {
      const arm = each.find((one) => one.description.id === id);
      if (arm === undefined) throw new Error(`${id} was not built for every hookpoint`);
      return arm;
    });
    const byHookpoint = new Map(arms.map((arm, at) => [stages[at]!.reader.hookpoint.id, arm]));
    return {
      description,
      replacements:
        arms[0]!.replacements?.map((_, version) =>
          perHookpoint(
            id,
            arms.map(({ replacements }, at) => [stages[at]!.reader.hookpoint.id, replacements![version]!] as const),
          ),
        ) ?? null,
      rated: arms[0]!.rated === null ? null : (site) => byHookpoint.get(site.hookpoint.id)?.rated?.(site) ?? 0,
    };
  });
}

import type { Explanation } from '../../explanations/index.js';
import { type Context, openCut, openReader, type Reader } from '../../harness/index.js';
import { collectEvidence, truthOf } from '../../replacements/index.js';
import type { OpenSimulated, Stage } from './arms.js';
import { trainedCoder } from './coder.js';
import { explainedOrCached } from './explanations.js';
import type { Watched } from './progress.js';
import { lazySamplingBasis } from './sampling.js';
import { type SimulatedConfig, writingOf } from './schema.js';
import { openSimulator, type SimulatorNeeds } from './simulators/index.js';
import type { Survey, SurveyedRewrite } from './survey.js';
import { writtenOrCached } from './writing/cached.js';
import type { WritingConfig } from './writing/config.js';
import { describeWritten } from './writing/describe.js';
import { sumOfUsage, type WritingNeeds } from './writing/people.js';
import { sourceOfEvidence } from './writing/source.js';
import type { Written } from './writing/write.js';

interface StageOptions extends Watched {
  readonly cache: string;
}

/** A latent that no explanation is read for still has to be named to a simulator that looks at the truth. */
function unexplained(hookpoint: string, latents: number): ReadonlyMap<number, Explanation> {
  const provenance = { by: 'nobody' };
  return new Map(
    Array.from({ length: latents }, (_, latent) => [
      latent,
      { hookpoint, latent, style: 'pattern', rules: [], provenance },
    ]),
  );
}

/** One hookpoint, ready for arms to be built: its coder read or trained, its evidence collected. */
async function openStage(
  { experiment, model, texts }: Survey,
  reader: Reader,
  rewrite: SurveyedRewrite,
  { cache, progress, signal }: StageOptions,
): Promise<Stage> {
  const { coder, folder } =
    rewrite.coder.kind === 'given'
      ? rewrite.coder
      : await trainedCoder(rewrite.coder.recipe, reader, texts.training.contexts, cache, { progress, signal });
  const { contexts } = texts.evidence;
  const bar = progress(`Collecting evidence at ${reader.hookpoint.id}`, contexts.length, 'contexts');
  const read = (batch: readonly Context[]) => reader.read(batch, signal);
  const evidence = await collectEvidence(read, coder, contexts, experiment.seed, (done) => bar.at(done));
  bar.end();
  const basis = lazySamplingBasis(model.parts.runtime, coder, evidence);
  return { experiment, reader, coder, coderFolder: folder, evidence, texts, truth: truthOf(coder), basis, signal };
}

/** The cut, its wiring proved, and one stage for each hookpoint. */
export async function openStages(survey: Survey, options: StageOptions) {
  const { model, rewrites } = survey;
  const hookpoints = rewrites.map(({ hookpoint }) => hookpoint);
  const cut = await openCut(model, hookpoints);
  const stages: Stage[] = [];
  for (const rewrite of rewrites) {
    const reader = rewrites.length === 1 ? cut : await openReader(model, rewrite.hookpoint);
    stages.push(await openStage(survey, reader, rewrite, options));
  }
  return { cut, stages };
}

/** What is said of each latent: as it was given, or written from the evidence, or nothing where no explanation is read. */
export async function explanationsAt(
  config: SimulatedConfig,
  given: ReadonlyMap<number, Explanation> | null,
  { coder, reader, evidence, experiment }: Pick<Stage, 'coder' | 'reader' | 'evidence' | 'experiment'>,
  { cache, progress, signal }: StageOptions,
): Promise<ReadonlyMap<number, Explanation>> {
  if (given !== null) return given;
  const { explanations } = config;
  if (explanations === null || config.style === null || !('induce' in explanations)) {
    return unexplained(reader.hookpoint.id, coder.spec.latents);
  }
  const explained = { reader, coder, evidence, seed: experiment.seed };
  return explainedOrCached(explained, explanations.induce, cache, { progress, signal });
}

/** Has a language model write what is said of each latent, and tells the user what came of it. */
async function writtenAt(
  writing: WritingConfig,
  { coder, reader, evidence, experiment }: Stage,
  needs: WritingNeeds,
): Promise<Written> {
  const source = sourceOfEvidence({ reader, coder, evidence, seed: experiment.seed });
  const written = await writtenOrCached(writing, source, needs);
  const about = { by: writing.by.model, hookpoint: reader.hookpoint.id, latents: coder.spec.latents };
  for (const line of describeWritten(written, about)) needs.note(line);
  return written;
}

/** An entry of `simulated` at one hookpoint, with its explanations, which may be asked for and paid, and its simulator. */
export async function openSimulated(
  config: SimulatedConfig,
  given: ReadonlyMap<number, Explanation> | null,
  stage: Stage,
  needs: Omit<SimulatorNeeds, 'evidence'>,
  options: StageOptions,
): Promise<OpenSimulated> {
  const open = await openSimulator(config.simulator, { ...needs, evidence: stage.evidence });
  const writing = given === null ? writingOf(config) : null;
  if (writing === null) {
    return { config, explanations: await explanationsAt(config, given, stage, options), complete: true, open };
  }
  try {
    // What is planned of the simulator is nothing that a judge is asked.
    const { planned: _, ...others } = needs;
    const { explanations, partial, usage } = await writtenAt(writing, stage, others);
    return {
      config,
      explanations: new Map(explanations.map((each) => [each.latent, each])),
      complete: !partial,
      // What was paid for the explanations is a part of what the entry costs.
      open: { ...open, usage: () => sumOfUsage(open.usage(), usage) },
    };
  } catch (error) {
    await open.close?.();
    throw error;
  }
}

import { execFile } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Manifest, Summary, WrittenManifest } from '../../eval/index.js';
import { filesOf, type Model, sha256, sha256OfFile } from '../../harness/index.js';
import { isHubReference } from '../hub/index.js';
import { ownVersion, packageFolder, versionIn } from '../package.js';
import type { OpenSimulated, Stage } from './arms.js';
import { asReference, type FetchedSource } from './fetched.js';
import { mapPaths, withSimulators } from './paths.js';
import type { Plan } from './plan.js';
import { type Experiment, entryName } from './schema.js';
import { publicAddress } from './simulators/address.js';
import { chosenSimulator, type Environment, type SimulatorConfig } from './simulators/index.js';

/** Of a folder, such as one that holds a file for each latent: over the names and hashes of all that lies in it. */
async function sha256OfPath(path: string): Promise<string> {
  if (!(await stat(path)).isDirectory()) return sha256OfFile(path);
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const files = entries.filter((each) => each.isFile()).map((each) => join(each.parentPath, each.name));
  const hashed = files.sort().map(async (file) => [relative(path, file), await sha256OfFile(file)]);
  return sha256(JSON.stringify(await Promise.all(hashed)));
}

/** The state of this package's own checkout; `null` where it was installed. */
async function gitState(): Promise<Manifest['git']> {
  const git = async (...args: string[]) =>
    (await promisify(execFile)('git', args, { cwd: packageFolder() })).stdout.trim();
  try {
    if ((await git('rev-parse', '--show-prefix')) !== '') return null;
    // What earlier runs wrote is no input of this one.
    const changed = await git('status', '--porcelain', '--', '.', ':!results');
    return { commit: await git('rev-parse', 'HEAD'), dirty: changed !== '' };
  } catch {
    return null;
  }
}

function versions(): Manifest['versions'] {
  const runtime = fileURLToPath(import.meta.resolve('onnxruntime-node/package.json'));
  return { package: ownVersion(), node: process.version, 'onnxruntime-node': versionIn(runtime) };
}

/** The user's own prompt files. */
async function promptFiles({ simulated }: Experiment): Promise<string[]> {
  const folders = simulated.flatMap(({ simulator }) =>
    'prompts' in simulator && simulator.prompts !== undefined ? [simulator.prompts] : [],
  );
  const files = await Promise.all(
    folders.map(async (folder) =>
      (await readdir(folder)).filter((name) => name.endsWith('.txt')).map((name) => join(folder, name)),
    ),
  );
  return files.flat();
}

async function inputHashes(
  experiment: Experiment,
  model: Model,
  stages: readonly Stage[],
  shown: (path: string) => string,
): Promise<Record<string, string>> {
  const { texts } = experiment;
  const paths = [
    ...filesOf(model.parts.original),
    join(model.folder, 'tokenizer.json'),
    ...[texts.evidence, texts.training, texts.calibration, texts.evaluation].flatMap((text) =>
      text ? [text.path] : [],
    ),
    ...experiment.simulated.flatMap(({ explanations }) =>
      explanations && 'file' in explanations ? [explanations.file] : [],
    ),
    ...(await promptFiles(experiment)),
  ];
  const hashed = [...new Set(paths)].map(async (path) => [shown(path), await sha256OfPath(path)] as const);
  return {
    ...Object.fromEntries(await Promise.all(hashed)),
    // One folder may hold the coders of several hookpoints.
    ...Object.fromEntries(
      stages.map(({ coder, coderFolder, reader }) => [
        stages.length === 1 ? shown(coderFolder) : `${shown(coderFolder)}#${reader.hookpoint.id}`,
        coder.spec.id,
      ]),
    ),
  };
}

/** Paths as a reader elsewhere can make sense of them: from where the command ran, from the cache, or on the hub. */
function portablePath(cache: string, from: string, sources: readonly FetchedSource[]): (path: string) => string {
  return (path) => {
    if (isHubReference(path)) return path;
    const reference = asReference(path, sources);
    if (reference !== null) return reference;
    const inside = relative(cache, path);
    return inside.startsWith('..') ? relative(from, path) : join('<cache>', inside);
  };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** The experiment without what may be secret in the addresses of endpoints. */
function withoutCredentials(experiment: Experiment): Experiment {
  const shown = (simulator: SimulatorConfig): SimulatorConfig => {
    if (simulator.kind !== 'openai') return simulator;
    const { baseUrl, endpoints } = simulator;
    return {
      ...simulator,
      ...(baseUrl !== undefined && { baseUrl: publicAddress(baseUrl) }),
      ...(endpoints && { endpoints: endpoints.map((each) => ({ ...each, baseUrl: publicAddress(each.baseUrl) })) }),
    };
  };
  const simulated = experiment.simulated.map((each) => withSimulators(each, shown));
  return { ...experiment, simulated };
}

/** What simulators used in all. */
function total(simulated: readonly OpenSimulated[]) {
  const usage = simulated.map(({ open }) => open.usage());
  return {
    queries: sum(usage.map(({ queries }) => queries)),
    probeCalls: sum(usage.map(({ probeCalls }) => probeCalls)),
    tokensIn: sum(usage.map(({ tokensIn }) => tokensIn)),
    tokensOut: sum(usage.map(({ tokensOut }) => tokensOut)),
    costUsd: usage.some(({ usd }) => usd === null) ? null : sum(usage.map(({ usd }) => usd ?? 0)),
  };
}

/** Who was asked, how, and how often, for each entry of `simulated`. */
function askedBy({ written, plan, simulated, options }: FinishedRun): WrittenManifest['simulated'] {
  return written.simulated.map((config, index) => {
    const name = entryName(config);
    const { reader, asks } = chosenSimulator(config.simulator);
    const planned = plan.queries[index]?.asks ?? null;
    return {
      name,
      reader: portablePath(options.cache, process.cwd(), [])(reader),
      asks: asks &&
        planned && { ...planned, readOut: asks.readOut, addresses: [...asks.addresses(options.environment)] },
      ...total(simulated.filter((each) => entryName(each.config) === name)),
    };
  });
}

/** What a manifest is made from: the run as it was planned, and what it came to. */
export interface FinishedRun {
  /** As the user wrote it, references to the hub included. */
  readonly written: Experiment;
  /** The same with paths of what was fetched. */
  readonly experiment: Experiment;
  readonly sources: readonly FetchedSource[];
  readonly model: Model;
  readonly stages: readonly Stage[];
  readonly plan: Plan;
  readonly summary: Summary;
  readonly simulated: readonly OpenSimulated[];
  readonly startedAt: Date;
  readonly options: { readonly cache: string; readonly environment: Environment; readonly now: () => Date };
}

/** All it takes to run again, and what the run cost. Reads the clock, git and every input file. */
export async function describeRun(run: FinishedRun): Promise<WrittenManifest> {
  const { written, experiment, sources, model, stages, plan, summary, simulated, startedAt, options } = run;
  const portable = portablePath(options.cache, process.cwd(), sources);
  return {
    schema: 'partial-rewrite/manifest@2',
    config: mapPaths(withoutCredentials(written), portable),
    sources: Object.fromEntries(sources.map(({ reference, commit }) => [reference, commit])),
    inputs: await inputHashes(experiment, model, stages, portable),
    versions: versions(),
    git: await gitState(),
    seed: experiment.seed,
    plan: plan.id,
    startedAt: startedAt.toISOString(),
    finishedAt: options.now().toISOString(),
    counts: {
      contexts: summary.contexts,
      positions: summary.positions,
      ratings: sum(plan.queries.map(({ ratings }) => ratings)),
      missing: sum(summary.arms.map(({ missing }) => missing)),
      ...total(simulated),
    },
    simulated: askedBy(run),
  };
}

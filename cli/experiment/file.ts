import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { UsageError } from '../../harness/index.js';
import { type Experiment, experimentSchema, type Recipe, recipeSchema } from './schema.js';

/** Every path of an experiment, taken from the folder of its file. */
function resolvePaths(experiment: Experiment, folder: string): Experiment {
  const at = (path: string): string => resolve(folder, path);
  const text = <T extends { readonly path: string }>(part: T): T => ({ ...part, path: at(part.path) });
  const { texts, coder } = experiment;
  return {
    ...experiment,
    model: at(experiment.model),
    coder: 'sparsify' in coder ? { sparsify: at(coder.sparsify) } : coder,
    texts: {
      evidence: text(texts.evidence),
      ...(texts.training && { training: text(texts.training) }),
      calibration: text(texts.calibration),
      evaluation: text(texts.evaluation),
    },
    simulated: experiment.simulated.map((each) =>
      each.explanations && 'file' in each.explanations
        ? { ...each, explanations: { file: at(each.explanations.file) } }
        : each,
    ),
  };
}

/** @throws {UsageError} naming the flag that is wrong */
export function parseRecipe(flags: unknown, usage: string): Recipe {
  const parsed = recipeSchema.safeParse(flags);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw new UsageError('BAD_ARGUMENTS', `--${issue.path.join('.')}: ${issue.message}.`, `Usage: ${usage}`);
}

/** @throws {UsageError} naming the key that is wrong */
export function parseExperiment(text: string, path: string): Experiment {
  let value: unknown;
  try {
    value = parse(text);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message.split('\n')[0]! : String(cause);
    throw new UsageError('EXPERIMENT_NOT_YAML', `${path} is not YAML: ${message}`, 'Mend that line.', { cause });
  }
  const parsed = experimentSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    const where = issue.path.length > 0 ? issue.path.join('.') : 'the file';
    throw new UsageError(
      'EXPERIMENT_INVALID',
      `${path}: ${where}: ${issue.message}.`,
      'See docs/experiment.md for what an experiment file may say.',
    );
  }
  return resolvePaths(parsed.data, dirname(path));
}

/** Reads an experiment and names it after its file, unless it names itself. */
export async function readExperiment(path: string): Promise<Experiment & { readonly name: string }> {
  const text = await readFile(path, 'utf8').catch((cause) => {
    throw new UsageError(
      'NO_EXPERIMENT',
      `${path} cannot be read.`,
      'Give the path of an experiment file, such as experiments/demo.yaml.',
      { cause },
    );
  });
  const experiment = parseExperiment(text, path);
  return { ...experiment, name: experiment.name ?? basename(path).replace(/\.ya?ml$/, '') };
}

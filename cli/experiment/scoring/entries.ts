import {
  describeAltered,
  describeUnmatched,
  type Explanation,
  readExplanationFile,
} from '../../../explanations/index.js';
import { UsageError } from '../../../harness/index.js';
import { shuffleExplanations } from '../../../replacements/index.js';
import { refuseExplainedByHeld } from '../contamination.js';
import { explainedOrCached } from '../explanations.js';
import type { Watched } from '../progress.js';
import { entryName, type SimulatedConfig } from '../schema.js';
import { type ChosenSimulator, chosenSimulator } from '../simulators/index.js';
import type { Survey } from '../survey.js';
import type { ScoringStage } from './stage.js';

type ByLatent = ReadonlyMap<number, Explanation>;

/** An entry of `simulated` whose explanations can be scored. */
export interface ScoredEntry {
  readonly name: string;
  readonly index: number;
  readonly config: SimulatedConfig;
  readonly chosen: ChosenSimulator;
}

/** What an entry says of the latents of one hookpoint. */
export interface ExplainedEntry {
  readonly entry: ScoredEntry;
  readonly own: ByLatent;
  /** Each latent with another's explanation; `null` where that is not wanted, or there is only one. */
  readonly shuffled: ByLatent | null;
}

/** Which entries are scored, and what of. */
export interface EntryChoice {
  /** Names of entries of `simulated`; all that read explanations when empty. */
  readonly entries: readonly string[];
  /** A file or folder of any format in place of the explanations that the entries name. */
  readonly explanations: string | undefined;
}

/** The entries that read explanations. @throws {UsageError} `NO_SUCH_ENTRY` */
export function scoredEntries(
  simulated: readonly SimulatedConfig[],
  { entries: only, explanations }: EntryChoice,
): readonly ScoredEntry[] {
  const entries = simulated.flatMap((config, index): ScoredEntry[] => {
    const chosen = chosenSimulator(config.simulator);
    const has = config.explanations !== null || explanations !== undefined;
    const reads = config.style !== null && !chosen.oracle && has;
    return reads ? [{ name: entryName(config), index, config, chosen }] : [];
  });
  const unknown = only.find((name) => !entries.some((each) => each.name === name));
  if (unknown !== undefined) {
    throw new UsageError(
      'NO_SUCH_ENTRY',
      `No entry of \`simulated\` that reads explanations is called ${unknown}.`,
      entries.length === 0 ? 'Leave --entry out.' : `There are ${entries.map(({ name }) => name).join(', ')}.`,
    );
  }
  return only.length === 0 ? entries : entries.filter(({ name }) => only.includes(name));
}

/** Explanations of any format, by hookpoint, in place of those that entries name. */
export async function replacedExplanations(
  path: string,
  entries: readonly ScoredEntry[],
  { rewrites, texts }: Survey,
  note: (text: string) => void,
): Promise<Survey['rewrites']> {
  const coders = new Map(
    rewrites.map(({ hookpoint, coder }) => [
      hookpoint.id,
      coder.kind === 'given' ? coder.coder.spec.latents : coder.recipe.latents,
    ]),
  );
  const file = await readExplanationFile(path, { coders });
  refuseExplainedByHeld(file.explanations, path, texts.held);
  for (const line of [...describeUnmatched(file.unmatched), ...describeAltered(file.altered)]) note(line);
  for (const { name, config } of entries) {
    if (file.explanations.some(({ style }) => style === config.style)) continue;
    const styles = [...new Set(file.explanations.map(({ style }) => style))].join(', ');
    throw new UsageError(
      'NO_SUCH_STYLE',
      `${path} has explanations of style ${styles}, and ${name} reads ${config.style}.`,
      'Give the entry that style, or name another with --entry.',
    );
  }
  return rewrites.map((rewrite) => ({
    ...rewrite,
    explanations: rewrite.explanations.map((given, index) => {
      const entry = entries.find((each) => each.index === index);
      if (entry === undefined) return given;
      const own = file.explanations.filter(
        ({ hookpoint, style }) => hookpoint === rewrite.hookpoint.id && style === entry.config.style,
      );
      return new Map(own.map((each) => [each.latent, each]));
    }),
  }));
}

/** The explanations of each entry at one hookpoint: as they were given, or induced and cached. */
export async function explainedEntries(
  entries: readonly ScoredEntry[],
  given: readonly (ByLatent | null)[],
  stage: ScoringStage,
  options: Watched & { readonly cache: string },
): Promise<readonly ExplainedEntry[]> {
  const { reader, coder, experiment } = stage;
  const induced = async ({ explanations }: SimulatedConfig): Promise<ByLatent> => {
    if (explanations === null || !('induce' in explanations)) throw new Error('explanations are given or induced');
    const explained = { reader, coder, evidence: await stage.evidence(), seed: experiment.seed };
    return explainedOrCached(explained, explanations.induce, options.cache, options);
  };
  const explained: ExplainedEntry[] = [];
  for (const entry of entries) {
    const own = given[entry.index] ?? (await induced(entry.config));
    const control = entry.config.shuffled && own.size > 1;
    explained.push({ entry, own, shuffled: control ? shuffleExplanations(own, experiment.seed) : null });
  }
  return explained;
}

import {
  type CheckedEntry,
  type CheckInput,
  checkPlanted,
  PLANTED_GOAL,
  type PlantedCheck,
  SUSPECT,
  writePlantedCheck,
} from '../../../eval/index.js';
import { type Context, openTokenizer, UsageError } from '../../../harness/index.js';
import { encodeContexts, fitNgramTable, heldText, SHARED_RUN } from '../../../replacements/index.js';
import { heldDocuments } from '../activations.js';
import type { Watched } from '../progress.js';
import type { Experiment } from '../schema.js';
import {
  type EntryChoice,
  explainedEntries,
  replacedExplanations,
  type ScoredEntry,
  scoredEntries,
} from '../scoring/entries.js';
import type { ScoredPart } from '../scoring/examples.js';
import { openScoringStages, type ScoringStage } from '../scoring/stage.js';
import { surveyExperiment } from '../survey.js';

/** Which explanations errors are planted in, how many, and the text that is to show them. */
export interface CheckChoice extends EntryChoice {
  readonly part: ScoredPart;
  /** Latents that are judged at each hookpoint, at most. */
  readonly latents: number;
  /** Share of them that each draw makes wrong. */
  readonly share: number;
  readonly draws: number;
  /** Decides where errors are planted; the experiment's own where it is left out. */
  readonly seed: number | undefined;
}

export interface CheckOptions extends Watched {
  readonly cache: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly threads?: number | undefined;
  readonly note: (text: string) => void;
  /** Folder that the result is written to. */
  readonly out: string;
}

/** Contexts read at once: enough to fill the processor, few enough for memory. */
const AT_ONCE = 16;
/** How many of the last tokens the table knows that says how hard a latent is. */
const ORDER = 3;

/** The entries whose explanations are run as programs: only these can be rated again and again. */
function executableEntries(written: Experiment, choice: EntryChoice): readonly ScoredEntry[] {
  const entries = scoredEntries(written.simulated, choice).filter(({ chosen }) => chosen.asks === null);
  if (entries.length > 0) return entries;
  throw new UsageError(
    'NOTHING_TO_CHECK',
    'No chosen entry of `simulated` runs explanations as programs.',
    'Give one explanations in an executable style (docs/explanations.md) and the simulator `executable`.',
  );
}

/** What latents did on text that is no evidence, and what the last tokens alone would have said of them. */
async function heldContexts(
  stage: ScoringStage,
  part: ScoredPart,
  evidenceDocuments: Parameters<typeof heldText>[0],
  { progress, signal }: Watched,
): Promise<CheckInput['contexts']> {
  const { reader, coder, texts } = stage;
  const table = fitNgramTable(await stage.evidence(), ORDER);
  const evidence = heldText(evidenceDocuments, SHARED_RUN);
  const contexts = texts[part].contexts.filter(({ tokens }) => evidence.shared(tokens) === null);
  const encode = encodeContexts((batch) => reader.read(batch, signal), coder);
  const bar = progress(`Reading ${part} text at ${reader.hookpoint.id}`, contexts.length, 'contexts');
  const held: CheckInput['contexts'][number][] = [];
  for (let start = 0; start < contexts.length; start += AT_ONCE) {
    signal.throwIfAborted();
    const batch: readonly Context[] = contexts.slice(start, start + AT_ONCE);
    for (const [at, truth] of (await encode(batch)).entries()) {
      const context = batch[at]!;
      const byTokens = table.predict(context, [...context.text.keys()]);
      held.push({ text: context.text, truth, byTokens });
    }
    bar.at(held.length);
  }
  bar.end();
  return held;
}

/**
 * Plants errors in the explanations of an experiment, tries to find them, and writes `self-check.json`. The same again gives
 * the same bytes.
 */
export async function checkExperiment(
  written: Experiment,
  choice: CheckChoice,
  options: CheckOptions,
): Promise<PlantedCheck> {
  executableEntries(written, choice);
  const found = await surveyExperiment(written, options);
  try {
    const { experiment, texts, model } = found;
    const entries = executableEntries(experiment, choice);
    const { explanations } = choice;
    const rewrites =
      explanations === undefined
        ? found.rewrites
        : await replacedExplanations(explanations, entries, found, options.note);
    const stages = await openScoringStages({ ...found, rewrites }, options);
    const tokenizer = await openTokenizer(model.folder);
    const evidence = [heldDocuments('evidence', texts.evidence.documents, tokenizer)];
    const seed = choice.seed ?? experiment.seed;
    const checked: CheckedEntry[] = [];
    let used = { contexts: 0, tokens: 0 };
    for (const [at, stage] of stages.entries()) {
      const hookpoint = stage.reader.hookpoint.id;
      const contexts = await heldContexts(stage, choice.part, evidence, options);
      used = { contexts: contexts.length, tokens: contexts.reduce((sum, { text }) => sum + text.length, 0) };
      for (const { entry, own } of await explainedEntries(entries, rewrites[at]!.explanations, stage, options)) {
        const bar = options.progress(`Planting errors in ${entry.name} at ${hookpoint}`, choice.draws, 'draws');
        const outcome = await checkPlanted({
          explanations: own,
          contexts,
          latents: stage.coder.spec.latents,
          most: choice.latents,
          share: choice.share,
          draws: choice.draws,
          seed: `${seed}/${hookpoint}/${entry.name}`,
          signal: options.signal,
          onDraw: (done) => bar.at(done),
        });
        bar.end();
        checked.push({ hookpoint, coder: stage.coder.spec.id, entry: entry.name, ...outcome });
      }
    }
    const result: PlantedCheck = {
      schema: 'partial-rewrite/self-check@1',
      model: model.name,
      seed,
      text: { part: choice.part, ...used },
      share: choice.share,
      draws: choice.draws,
      suspectFrom: SUSPECT,
      goal: PLANTED_GOAL,
      entries: checked,
    };
    await writePlantedCheck(options.out, result);
    return result;
  } finally {
    await found.dispose();
  }
}

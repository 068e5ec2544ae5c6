import { setImmediate } from 'node:timers/promises';
import { type Explanation, PLANTED_KINDS } from '../../explanations/index.js';
import { seededRandom, UsageError } from '../../harness/index.js';
import { type Draw, drawErrors, type Field, fieldOf, type HeldContext } from './draw.js';
import { errorSums, type SparseRows } from './errors.js';
import { proportion } from './proportion.js';
import type { CheckedEntry } from './schema.js';
import { type Alike, findAlike, type LatentError, LEAST_LATENTS, median, SUSPECT, suspicions } from './suspicion.js';

/** Firings that a latent needs on the text for its error to be known. */
export const LEAST_FIRINGS = 20;
/** Recall and precision that are asked of a check. */
export const GOAL = 0.8;

export interface CheckInput {
  /** By latent, each of an executable style. */
  readonly explanations: ReadonlyMap<number, Explanation>;
  /** Held-out text; beside the truth what a table of the last tokens predicts, which was fitted on other text. */
  readonly contexts: readonly (HeldContext & { readonly byTokens: SparseRows })[];
  /** Of the coder. */
  readonly latents: number;
  /** Latents that are judged, at most; drawn by the seed. */
  readonly most: number;
  /** Share of them that each draw makes wrong, above 0 and below a half. */
  readonly share: number;
  readonly draws: number;
  readonly seed: string;
  readonly signal: AbortSignal;
  readonly onDraw?: (done: number) => void;
}

/** The latents whose errors the text can tell, with what these are before anything is planted. */
function errorsAsTheyAre({ explanations, contexts, latents, most, seed }: CheckInput, { sound }: Field): LatentError[] {
  const byTokens = errorSums(latents);
  for (const { truth, byTokens: predicted } of contexts) byTokens.add(truth, predicted);
  const telling = [...explanations.keys()].filter((latent) => sound.firings(latent) >= LEAST_FIRINGS);
  if (telling.length < LEAST_LATENTS) {
    throw new UsageError(
      'TOO_FEW_LATENTS',
      `${telling.length} explained latents fire ${LEAST_FIRINGS} times or more in the text; errors are told from what is usual by ${LEAST_LATENTS} or more.`,
      'Give more text, or explanations of more latents.',
    );
  }
  const judged = seededRandom(`${seed}/judged`).shuffle(telling).slice(0, Math.max(most, LEAST_LATENTS));
  return judged
    .sort((a, b) => a - b)
    .map((latent) => ({
      latent,
      unexplained: sound.unexplained(latent),
      unexplainedByTokens: byTokens.unexplained(latent),
      firings: sound.firings(latent),
    }));
}

/** Which latents are suspected after a draw. The errors are all that is looked at. */
function suspectsAfter({ planted }: Draw, errors: readonly LatentError[], alike: Alike): Set<number> {
  const wrong = new Map(planted.map(({ latent, unexplained }) => [latent, unexplained]));
  const now = errors.map((error) => ({ ...error, unexplained: wrong.get(error.latent) ?? error.unexplained }));
  return new Set(
    suspicions(now, alike)
      .filter(({ deviations }) => deviations > SUSPECT)
      .map(({ latent }) => latent),
  );
}

/** All draws as one: a latent that comes in several counts in each, and once for the intervals. */
function pooled(draws: readonly { readonly draw: Draw; readonly suspects: ReadonlySet<number> }[]) {
  const planted = draws.flatMap(({ draw, suspects }) =>
    draw.planted.map((each) => ({ ...each, isFound: suspects.has(each.latent) })),
  );
  const recallOf = (some: typeof planted) =>
    proportion(
      some.filter(({ isFound }) => isFound).length,
      some.length,
      new Set(some.map(({ latent }) => latent)).size,
    );
  const suspected = draws.flatMap(({ suspects }) => [...suspects]);
  const found = planted.filter(({ isFound }) => isFound).length;
  return {
    recall: recallOf(planted),
    precision: proportion(found, suspected.length, new Set(suspected).size),
    kinds: PLANTED_KINDS.map((kind) => {
      const some = planted.filter((each) => each.kind === kind);
      const costOf = (isFound: boolean): number | null => {
        const costs = some.filter((each) => each.isFound === isFound).map(({ cost }) => cost);
        return costs.length === 0 ? null : median(costs);
      };
      return {
        kind,
        recall: recallOf(some),
        cost: { found: costOf(true), missed: costOf(false) },
        withoutEffect: draws.reduce((sum, { draw }) => sum + draw.withoutEffect[kind], 0),
      };
    }),
  };
}

/**
 * Can errors of explanations be found by what they cost on held-out text? Makes some explanations wrong on purpose, several
 * times, and counts how many of them, and of how many others, are then suspected by their error alone.
 * @throws {UsageError} `TOO_FEW_LATENTS`
 * @throws the signal's reason when aborted
 */
export async function checkPlanted(input: CheckInput): Promise<Omit<CheckedEntry, 'hookpoint' | 'coder' | 'entry'>> {
  const { explanations, share, seed, signal, onDraw = () => {} } = input;
  const field = fieldOf(input);
  const errors = errorsAsTheyAre(input, field);
  const alike = findAlike(errors);
  const judged = errors.map(({ latent }) => latent);
  const count = Math.max(1, Math.round(share * judged.length));
  const draws: { draw: Draw; suspects: Set<number> }[] = [];
  for (let at = 0; at < input.draws; at++) {
    // Programs run at once, and would leave no moment in which an interrupt is heard.
    await setImmediate();
    signal.throwIfAborted();
    const draw = drawErrors(field, judged, count, `${seed}/planted/${at}`);
    draws.push({ draw, suspects: suspectsAfter(draw, errors, alike) });
    onDraw(at + 1);
  }
  const all = pooled(draws);
  const reaches = ({ share: reached }: { readonly share: number | null }) => reached !== null && reached >= GOAL;
  return {
    latents: { explained: explanations.size, judged: judged.length },
    ...all,
    draws: draws.map(({ draw: { planted }, suspects }) => ({
      planted: planted.length,
      suspects: suspects.size,
      found: planted.filter(({ latent }) => suspects.has(latent)).length,
    })),
    reachesGoal: reaches(all.recall) && reaches(all.precision),
    suspects: suspicions(errors, alike)
      .filter(({ deviations }) => deviations > SUSPECT)
      .sort((a, b) => b.deviations - a.deviations)
      .map(({ unexplainedByTokens: _, ...suspect }) => suspect),
  };
}

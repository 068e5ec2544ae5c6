import {
  compileExplanations,
  type Explanation,
  PLANTED_KINDS,
  type PlantedKind,
  plantError,
} from '../../explanations/index.js';
import { seededRandom } from '../../harness/index.js';
import { type ErrorSums, errorSums, type SparseRows } from './errors.js';

/** Held-out text, a context at a time, with what the latents truly did on it. */
export interface HeldContext {
  /** Surface forms of its tokens. */
  readonly text: readonly string[];
  readonly truth: SparseRows;
}

/** What errors are planted in, and what tells whether they change anything. */
export interface Field {
  readonly latents: number;
  readonly explanations: ReadonlyMap<number, Explanation>;
  readonly contexts: readonly HeldContext[];
  /** Tokens of the text, each once, in an order of their own. */
  readonly vocabulary: readonly string[];
  /** Of the explanations as they are. */
  readonly sound: ErrorSums;
}

export function fieldOf({
  explanations,
  contexts,
  latents,
}: Pick<Field, 'latents' | 'explanations' | 'contexts'>): Field {
  const vocabulary = [...new Set(contexts.flatMap(({ text }) => text))].sort();
  return { latents, explanations, contexts, vocabulary, sound: rateAll(explanations, contexts, latents) };
}

export interface PlantedLatent {
  readonly latent: number;
  readonly kind: PlantedKind;
  /** As its explanation now is. */
  readonly unexplained: number;
  /** By how much that is more than before. */
  readonly cost: number;
}

export interface Draw {
  readonly planted: readonly PlantedLatent[];
  /** Edits that changed no rating on the text and were taken back, by kind: they are no errors that this text could show. */
  readonly withoutEffect: Readonly<Record<PlantedKind, number>>;
}

/** Runs explanations over the text. */
export function rateAll(
  explanations: ReadonlyMap<number, Explanation>,
  contexts: readonly HeldContext[],
  latents: number,
): ErrorSums {
  const rater = compileExplanations(explanations);
  const sums = errorSums(latents);
  for (const { text, truth } of contexts) sums.add(truth, rater.rate(text, [...text.keys()]));
  return sums;
}

/**
 * Makes the explanations of `count` latents wrong, as many of each kind, at latents in an order drawn by the seed. An edit that
 * changes no rating on the text is taken back, and another latent takes its place.
 * @param among latents that may be chosen
 */
export function drawErrors(field: Field, among: readonly number[], count: number, seed: string): Draw {
  const { explanations, contexts, vocabulary, sound } = field;
  const others = [...explanations.values()];
  const queue = seededRandom(seed).shuffle(among);
  const planted: PlantedLatent[] = [];
  const withoutEffect: Record<PlantedKind, number> = { swapped: 0, negated: 0, broadened: 0, narrowed: 0 };
  // What is still to be planted: as many of each kind, one more of the first ones where that does not come out even.
  let wanted = Array.from({ length: count }, (_, at) => PLANTED_KINDS[at % PLANTED_KINDS.length]!);
  while (wanted.length > 0 && queue.length > 0) {
    const tried: { kind: PlantedKind; latent: number }[] = [];
    const edited = new Map<number, Explanation>();
    for (const kind of wanted) {
      for (let latent = queue.shift(); latent !== undefined; latent = queue.shift()) {
        const random = seededRandom(`${seed}/${kind}/${latent}`);
        const wrong = plantError(kind, explanations.get(latent)!, { others, vocabulary, random });
        if (wrong === null) continue;
        edited.set(latent, wrong);
        tried.push({ kind, latent });
        break;
      }
    }
    const sums = rateAll(edited, contexts, field.latents);
    wanted = [];
    for (const { kind, latent } of tried) {
      if (sums.agrees(sound, latent)) {
        withoutEffect[kind] += 1;
        wanted.push(kind);
        continue;
      }
      const unexplained = sums.unexplained(latent);
      planted.push({ latent, kind, unexplained, cost: unexplained - sound.unexplained(latent) });
    }
  }
  return { planted, withoutEffect };
}

import type { Explanation } from '../../explanations/index.js';
import { UsageError } from '../../harness/index.js';
import { evidenceHash } from './induction/provenance.js';

/** Parts of an experiment that nothing may have been made from. */
export type HeldName = 'evaluation' | 'calibration';

/** Names that provenance may give to held text: of each context, and of all together; and which part that is. */
export type HeldNames = ReadonlyMap<string, HeldName>;

/** @param cuts each way in which a part was cut into contexts: their ids, in order */
export function heldNames(cuts: readonly (readonly [HeldName, readonly string[]])[]): HeldNames {
  return new Map(cuts.flatMap(([part, ids]) => [...ids, evidenceHash(ids)].map((name) => [name, part] as const)));
}

/** Hashes that a provenance names, alone or among other words. */
const namesIn = (evidence: string | undefined): readonly string[] => evidence?.match(/\b[\da-f]{16}\b/g) ?? [];

/**
 * Refuses explanations that say themselves that they were made from held text. Those that say nothing pass.
 * @param file where they were read
 * @throws {UsageError} `CONTAMINATED`
 */
export function refuseExplainedByHeld(explanations: readonly Explanation[], file: string, held: HeldNames): void {
  const found = explanations.flatMap(({ latent, provenance }) => {
    const part = namesIn(provenance.evidence).flatMap((name) => held.get(name) ?? [])[0];
    return part === undefined ? [] : [{ latent, part }];
  });
  const [first] = found;
  if (first === undefined) return;
  throw new UsageError(
    'CONTAMINATED',
    `${found.length} of ${explanations.length} explanations of ${file} were made from the ${first.part} text, by their provenance; the first is of latent ${first.latent}.`,
    'Give explanations that were made from other text, or evaluate and calibrate on other documents.',
  );
}

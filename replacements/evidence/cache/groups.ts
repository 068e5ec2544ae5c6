import type { Context, LatentActivations } from '../../../harness/index.js';
import type { Corpus, Firings } from '../corpus.js';
import type { ActivationCache } from './open.js';

/** What consecutive latents did, and nothing of the others. */
export interface LatentGroup {
  /** Latents `[from, to)`. */
  readonly from: number;
  readonly to: number;
  /** `[place, latent]`, as wide as the coder: latents outside the group do not fire. */
  readonly activations: LatentActivations;
}

/**
 * A cache's activations by position, of as many latents at a time as have at most `mostFirings`, or of one that alone has
 * more: so much is in memory, eight bytes a firing and four a token. Read once, from the first latent to the last.
 */
export async function* latentGroups(cache: ActivationCache, mostFirings: number): AsyncGenerator<LatentGroup> {
  const { latents } = cache.identity;
  const { tokens } = cache.corpus;
  let from = 0;
  let group: Firings[] = [];
  let firings = 0;
  for await (const next of cache.eachLatent()) {
    if (group.length > 0 && firings + next.places.length > mostFirings) {
      yield { from, to: from + group.length, activations: byPlace(group, from, tokens.length, latents) };
      from += group.length;
      group = [];
      firings = 0;
    }
    group.push(next);
    firings += next.places.length;
  }
  if (group.length > 0) yield { from, to: latents, activations: byPlace(group, from, tokens.length, latents) };
}

/** Transposes `[latent, place]` to `[place, latent]`, in time linear in both; ids rise within a row. */
function byPlace(group: readonly Firings[], first: number, positions: number, latents: number): LatentActivations {
  const rows = new Uint32Array(positions + 1);
  for (const { places } of group) for (const place of places) rows[place + 1]! += 1;
  for (let place = 0; place < positions; place++) rows[place + 1]! += rows[place]!;
  const next = rows.slice(0, positions);
  const ids = new Uint32Array(rows[positions]!);
  const values = new Float32Array(ids.length);
  for (const [offset, firings] of group.entries()) {
    firings.places.forEach((place, i) => {
      const at = next[place]!++;
      ids[at] = first + offset;
      values[at] = firings.values[i]!;
    });
  }
  return { positions, latents, rows, ids, values };
}

/** `[latent]` largest activation in a cache; 0 where a latent never fired. Reads all of it once. */
export async function largestActivations(cache: ActivationCache): Promise<Float32Array> {
  const largest = new Float32Array(cache.identity.latents);
  let latent = 0;
  for await (const { values } of cache.eachLatent()) {
    largest[latent++] = values.reduce((most, value) => Math.max(most, value), 0);
  }
  return largest;
}

/**
 * The contexts that a cache was filled from, as they were read.
 * @param surface the text of one token id; each is asked once
 */
export function contextsOfCorpus({ ids, starts, tokens }: Corpus, surface: (id: number) => string): Context[] {
  const known = new Map<number, string>();
  const surfaceOf = (id: number): string => {
    const text = known.get(id) ?? surface(id);
    known.set(id, text);
    return text;
  };
  return ids.map((id, context) => {
    const own = tokens.subarray(starts[context], starts[context + 1]);
    return { id, tokens: own, text: Array.from(own, surfaceOf) };
  });
}

import { explanationLength, type InStyle } from '../explanation.js';
import { checkEvidence } from '../induce/evidence.js';
import { type Explainer, type Firing, firingLatents } from './explainer.js';
import { pack } from './in-words.js';
import { ending, type Place, placesOf } from './places.js';

/** Tokens that a context shows: the one that the latent fires on, and those before it. */
const SHOWN = 5;
/** Pairs of last tokens that are looked at: what is beyond holds next to nothing. */
const MOST_PAIRS = 100;

interface Occurrences {
  /** Squared activation, of all of them. */
  energy: number;
  /** The strongest one, as an index into the firings. */
  strongest: number;
}

/**
 * The strongest firing of each pair of last tokens, those pairs first that hold the most squared activation: the few that
 * there is room for stand for as much as they can.
 */
function tellingFirings({ positions, values }: Firing, placeOf: (position: number) => Place): number[] {
  const pairs = new Map<string, Occurrences>();
  positions.forEach((position, i) => {
    const key = ending(placeOf(position), 2).join('\0');
    const pair = pairs.get(key);
    if (pair === undefined) pairs.set(key, { energy: values[i]! ** 2, strongest: i });
    else {
      pair.energy += values[i]! ** 2;
      if (values[i]! > values[pair.strongest]!) pair.strongest = i;
    }
  });
  return [...pairs.values()]
    .sort((a, b) => b.energy - a.energy || a.strongest - b.strongest)
    .slice(0, MOST_PAIRS)
    .map(({ strongest }) => strongest);
}

/** A few contexts in place of prose, each ending at the token that it shows the latent firing on. */
export const exemplarsExplainer: Explainer<'exemplars'> = {
  style: 'exemplars',
  needs: [],
  uses: [],
  explain(evidence, options) {
    checkEvidence(evidence);
    const placeOf = placesOf(evidence.contexts);
    const provenance = { by: 'explain-exemplars', ...options.provenance };
    const explanations: InStyle<'exemplars'>[] = [];
    for (const firing of firingLatents(evidence, options)) {
      const { latent, scale, positions, values } = firing;
      const activationAt = new Map(Array.from(positions, (position, i) => [position, values[i]!]));
      const contexts = tellingFirings(firing, placeOf).map((i) => {
        const tokens = ending(placeOf(positions[i]!), SHOWN);
        const ratings = tokens.map((_, back) => {
          const activation = activationAt.get(positions[i]! - tokens.length + 1 + back) ?? 0;
          return Math.min(9, Number(((9 * activation) / scale).toFixed(1)));
        });
        return { tokens, ratings };
      });
      const record = (some: typeof contexts): InStyle<'exemplars'> => ({
        hookpoint: evidence.hookpoint,
        latent,
        style: 'exemplars',
        contexts: some,
        provenance,
      });
      const chosen = pack(contexts, (some) => explanationLength(record([...some]), options.count) <= options.maxTokens);
      if (chosen.length > 0) explanations.push(record(chosen));
    }
    return explanations;
  },
};

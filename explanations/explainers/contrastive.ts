import type { InStyle, Rule } from '../explanation.js';
import { byLatent } from '../induce/evidence.js';
import { induceRules } from '../induce/induce.js';
import { type Explainer, required } from './explainer.js';
import { anyInWords, pack, ruleInWords } from './in-words.js';
import { ending, placesOf } from './places.js';

/** Latents that one is told apart from. */
const AGAINST = 5;
/** Tokens on which it fires on less than this share of their occurrences count as those on which it is silent. */
const SILENT = 0.05;
const MOST_NEGATIVES = 50;

/**
 * Induced rules in words for what a latent fires on; and for what it does not, the exceptions among them and the tokens on
 * which the latents with the most similar decoders fire and it does not, those first on which they fire most.
 */
export const contrastiveExplainer: Explainer<'contrastive'> = {
  style: 'contrastive',
  needs: ['neighbours'],
  uses: ['directions'],
  explain(evidence, { maxTokens, seed, count, provenance, onLatent }) {
    const neighbours = required(evidence.neighbours, 'neighbours');
    const { starts, positions, values } = byLatent(evidence.activations);
    const placeOf = placesOf(evidence.contexts);
    const occurrences = new Map<string, number>();
    for (const { text } of evidence.contexts) {
      for (const token of text) occurrences.set(token, (occurrences.get(token) ?? 0) + 1);
    }
    /** How often a latent fires on each last token, and with how much squared activation. */
    const byToken = (latent: number): Map<string, { times: number; energy: number }> => {
      const found = new Map<string, { times: number; energy: number }>();
      for (let i = starts[latent]!; i < starts[latent + 1]!; i++) {
        const [token] = ending(placeOf(positions[i]!), 1);
        const known = found.get(token!) ?? { times: 0, energy: 0 };
        found.set(token!, { times: known.times + 1, energy: known.energy + values[i]! ** 2 });
      }
      return found;
    };
    const negativesOf = (latent: number, against: readonly number[]): string[] => {
      const own = byToken(latent);
      const energies = new Map<string, number>();
      for (const other of against) {
        for (const [token, { energy }] of byToken(other)) energies.set(token, (energies.get(token) ?? 0) + energy);
      }
      return [...energies]
        .filter(([token]) => (own.get(token)?.times ?? 0) < SILENT * occurrences.get(token)!)
        .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
        .slice(0, MOST_NEGATIVES)
        .map(([token]) => token);
    };
    const explanations: InStyle<'contrastive'>[] = [];
    for (const { latent, rules } of induceRules({ ...evidence, maxTokens, seed, ...(onLatent && { onLatent }) })) {
      const against = (neighbours[latent] ?? []).slice(0, AGAINST);
      const firing = rules.filter(({ strength }) => strength > 0);
      const exceptions = rules.filter(({ strength }) => strength === 0).map(ruleInWords);
      const silent = [
        ...exceptions,
        ...negativesOf(latent, against).map((token) => ruleInWords({ tokens: [[token]] })),
      ];
      // A third is kept for what it does not fire on, and what that leaves is used for what it does.
      const nots = pack(silent, (some) => count(some.join(', or ')) <= maxTokens / 3);
      const not = nots.length > 0 ? nots.join(', or ') : 'anything else';
      const chosen = pack(firing, (some: readonly Rule[]) => count(anyInWords(some)) + count(not) <= maxTokens);
      if (chosen.length === 0) continue;
      explanations.push({
        hookpoint: evidence.hookpoint,
        latent,
        style: 'contrastive',
        fires: anyInWords(chosen),
        not,
        ...(against.length > 0 && { against: [...against] }),
        provenance: { by: 'explain-contrastive', ...provenance },
      });
    }
    return explanations;
  },
};

import type { EvidenceExample, FiringExample, LatentExamples, NearMissExample } from '../../evidence/index.js';
import type { ScoredExample } from '../../judges/index.js';
import type { LatentEvidence } from '../evidence.js';

/** Words as tokens, the blank with the word behind it; `*` and a digit behind a word is its activation. */
function tokensOf(marked: string): { readonly text: string[]; readonly activations: Float32Array } {
  const words = marked.split(' ').map((word) => /^(.*?)(?:\*(\d))?$/.exec(word)!);
  return {
    text: words.map(([, word]) => ` ${word}`),
    activations: Float32Array.from(words, ([, , digit]) => Number(digit ?? 0)),
  };
}

let contexts = 0;

function windowOf(marked: string, at?: number) {
  const { text, activations } = tokensOf(marked);
  return {
    text,
    ids: Int32Array.from(text.keys()),
    activations,
    at: at ?? Math.max(0, activations.indexOf(Math.max(...activations))),
    source: { context: `context ${contexts++}`, position: 0 },
  };
}

/** A window in which the latent fires, such as `the cat*9 sat`. */
export const firing = (marked: string, decile = 10): FiringExample => ({
  kind: 'firing',
  decile,
  ...windowOf(marked),
});
/** Silent, around the token at `at`. */
export const nearMiss = (text: string, at: number): NearMissExample => ({ kind: 'near-miss', ...windowOf(text, at) });
export const neighbour = (text: string, at: number): EvidenceExample => ({
  kind: 'neighbour',
  neighbour: { latent: 3, cosine: 0.8, activation: 2 },
  ...windowOf(text, at),
});
export const elsewhere = (text: string): EvidenceExample => ({ kind: 'random', ...windowOf(text) });

/** An example to score by. */
export const scored = (marked: string): ScoredExample => ({ drawn: { kind: 'random' }, ...tokensOf(marked) });

/** Evidence of latent 7 with what matters to a test. */
export const evidence = (parts: Partial<LatentEvidence> = {}): LatentEvidence => ({
  hookpoint: 'layers.1.mlp',
  latent: 7,
  scale: 9,
  toExplain: [
    firing('the cat*9 sat'),
    firing('a dog*4 slept*1', 5),
    neighbour('the cow stood', 1),
    nearMiss('my cat ran', 1),
    elsewhere('once upon a time'),
  ],
  toMend: [],
  toDecide: [],
  toScore: [],
  ...parts,
});

/** As a draw gives them: so many of each kind and decile, each with a text of its own. */
export function drawn(perDecile: number, silent: number): LatentExamples {
  const many = <E>(count: number, make: (i: number) => E) => ({
    status: 'full' as const,
    examples: Array.from({ length: count }, (_, i) => make(i)),
  });
  return {
    latent: 7,
    firings: 10 * perDecile,
    firingWindows: 10 * perDecile,
    top: many(2, (i) => firing(`top ${i} it*9`)),
    deciles: Array.from({ length: 10 }, (_, decile) =>
      many(perDecile, (i) => firing(`decile ${decile} ${i} it*1`, decile + 1)),
    ),
    random: many(silent, (i) => ({ kind: 'random' as const, ...windowOf(`random ${i}`) })),
    neighbours: many(silent, (i) => ({
      kind: 'neighbour' as const,
      neighbour: { latent: 3, cosine: 0.8, activation: 2 },
      ...windowOf(`neighbour ${i}`, 1),
    })),
    nearMisses: many(silent, (i) => nearMiss(`miss ${i}`, 1)),
  };
}

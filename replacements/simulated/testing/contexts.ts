import { createHash } from 'node:crypto';
import type { Context, LatentActivations, Random } from '../../../harness/index.js';
import type { Question } from '../simulator.js';

/** A context of these surface forms; token ids are made up, one for each distinct form. */
export function contextOf(text: readonly string[]): Context {
  const forms = [...new Set(text)].sort();
  return {
    id: createHash('sha256').update(JSON.stringify(text)).digest('hex').slice(0, 16),
    tokens: Int32Array.from(text, (form) => forms.indexOf(form)),
    text,
  };
}

/** Sparse activations from dense rows `[position][latent]`. */
export function activationsOf(
  dense: readonly (readonly number[])[],
  latents = dense[0]?.length ?? 0,
): LatentActivations {
  const rows = new Uint32Array(dense.length + 1);
  const ids: number[] = [];
  const values: number[] = [];
  dense.forEach((row, position) => {
    row.forEach((value, latent) => {
      if (value === 0) return;
      ids.push(latent);
      values.push(value);
    });
    rows[position + 1] = ids.length;
  });
  return { positions: dense.length, latents, rows, ids: Uint32Array.from(ids), values: Float32Array.from(values) };
}

/** The value of one latent in one row of a sparse block. */
export function cell(
  block: { readonly rows: Uint32Array; readonly ids: Uint32Array; readonly values: Float32Array },
  row: number,
  latent: number,
): number {
  for (let i = block.rows[row]!; i < block.rows[row + 1]!; i++) if (block.ids[i] === latent) return block.values[i]!;
  return 0;
}

/** A question about a context; `truth` gives the rows of the asked positions. */
export function questionAbout(
  text: readonly string[],
  positions: readonly number[],
  dense: readonly (readonly number[])[] = positions.map(() => []),
): Question {
  return { context: contextOf(text), positions, truth: async () => activationsOf(dense) };
}

/** A latent's activations: silent with the given probability, else exponential around 2. */
export function randomActivations(random: Random, positions: number, latents: number, silent: number): number[][] {
  return Array.from({ length: positions }, () =>
    Array.from({ length: latents }, () => (random.next() < silent ? 0 : Math.fround(-2 * Math.log(1 - random.next())))),
  );
}

import { describe, expect, it } from 'vitest';
import type { Explanation } from '../../explanations/index.js';
import { seededRandom } from '../../harness/index.js';
import { type CheckInput, checkPlanted } from './check.js';
import { errorSums, type SparseRows } from './errors.js';
import { proportion } from './proportion.js';
import { findAlike, type LatentError, SUSPECT, suspicions } from './suspicion.js';

/** Dense rows `[position][latent]`, zeros left out. */
function sparse(rows: readonly (readonly number[])[]): SparseRows {
  const entries = rows.map((row) => row.flatMap((value, id) => (value === 0 ? [] : [{ id, value }])));
  const starts = [0];
  for (const row of entries) starts.push(starts.at(-1)! + row.length);
  return {
    rows: Uint32Array.from(starts),
    ids: Uint32Array.from(entries.flat(), ({ id }) => id),
    values: Float32Array.from(entries.flat(), ({ value }) => value),
  };
}

describe('what an explanation leaves unexplained, worked by hand', () => {
  const sums = errorSums(4);
  sums.add(
    sparse([
      [3, 1, 0, 2],
      [0, 1, 0, 0],
    ]),
    sparse([
      [6, 2, 1, 0],
      [0, 0, 0, 0],
    ]),
  );
  sums.add(sparse([[4, 0, 0, 0]]), sparse([[8, 0, 0, 0]]));
  it('is nothing where only the scale differs', () => expect(sums.unexplained(0)).toBe(0));
  // (2·1)² / (2² · (1² + 1²)) = 1/2 is explained.
  it('is what the best scale cannot mend', () => expect(sums.unexplained(1)).toBeCloseTo(0.5, 12));
  it('is all where it fires where the latent never does', () => expect(sums.unexplained(2)).toBe(1));
  it('is all where it never fires', () => expect(sums.unexplained(3)).toBe(1));
  it('counts firings', () => expect([0, 1, 2, 3].map(sums.firings)).toEqual([2, 2, 0, 1]));
  it('refuses ratings of other positions', () =>
    expect(() => sums.add(sparse([[0], [0]]), sparse([[0]]))).toThrow('1 rows of ratings for 2 positions'));
});

describe('a share with its interval', () => {
  it('is Wilson’s', () => {
    const { share, ci } = proportion(8, 10);
    expect(share).toBe(0.8);
    expect(ci![0]).toBeCloseTo(0.4902, 4);
    expect(ci![1]).toBeCloseTo(0.9433, 4);
  });
  it('is no narrower for trials that are not new', () =>
    expect(proportion(80, 100, 10).ci).toEqual(proportion(8, 10).ci));
  it('is none of nothing', () => expect(proportion(0, 0)).toMatchObject({ share: null, ci: null }));
});

/** Latents of which harder ones are explained worse, as is usual. */
function population(seed: number, count = 200): LatentError[] {
  const random = seededRandom(`population ${seed}`);
  return Array.from({ length: count }, (_, latent) => {
    const hard = 3 * random.next() - 3;
    const share = (odds: number) => 1 / (1 + Math.exp(-odds));
    return {
      latent,
      unexplainedByTokens: share(hard - 1),
      unexplained: share(hard + 0.3 * random.normal()),
      firings: 20 + random.integer(1000),
    };
  });
}

describe('suspicion', () => {
  it.each([1, 2, 3])('falls on what is far worse than its like, and on little else (seed %i)', (seed) => {
    const sound = population(seed);
    const errors = sound.map((each) => ({ ...each, unexplained: each.latent < 10 ? 0.9 : each.unexplained }));
    const found = suspicions(errors, findAlike(errors)).filter(({ deviations }) => deviations > SUSPECT);
    expect(found.filter(({ latent }) => latent < 10)).toHaveLength(10);
    expect(found.length).toBeLessThan(14);
  });
  it('spares what is hard for all, and finds the same error of what is easy', () => {
    const errors = population(4);
    const [hard, easy] = [...errors]
      .sort((a, b) => b.unexplainedByTokens - a.unexplainedByTokens)
      .map((e, i, all) => (i === 0 ? e : all.at(-1)!));
    const judged = suspicions(
      errors.map((each) => (each === hard || each === easy ? { ...each, unexplained: 0.5 } : each)),
      findAlike(errors),
    );
    expect(judged[hard!.latent]!.deviations).toBeLessThan(SUSPECT);
    expect(judged[easy!.latent]!.deviations).toBeGreaterThan(SUSPECT);
  });
  it('needs latents to compare with', () => expect(() => findAlike(population(1, 99))).toThrow(/too few/));
});

/** Latents that each fire on a token of their own, more or less; and explanations that say so. */
function invented(latents: number): CheckInput {
  const random = seededRandom('invented');
  const tokens = Array.from({ length: latents }, (_, latent) => ` w${latent}`);
  const contexts = Array.from({ length: 120 }, () => {
    const at = Array.from({ length: 60 }, () => random.integer(latents));
    const truth = sparse(
      at.map((own) => tokens.map((_, latent) => (latent === own ? 1 + random.next() : random.next() < 0.001 ? 1 : 0))),
    );
    return {
      text: at.map((own) => tokens[own]!),
      truth,
      byTokens: sparse(at.map((own) => tokens.map((_, l) => (l === own ? 1.5 : 0)))),
    };
  });
  const explanations = new Map(
    tokens.map((token, latent): [number, Explanation] => {
      const rules = [
        { tokens: [[token]], strength: 5 },
        { tokens: [[' never'], [token]], strength: 9 },
      ];
      return [latent, { hookpoint: 'h', latent, style: 'pattern', rules, provenance: { by: 'hand' } }];
    }),
  );
  const { signal } = new AbortController();
  return { explanations, contexts, latents, most: 500, share: 0.1, draws: 2, seed: 's', signal };
}

describe('a check by planted errors', () => {
  it('finds them where explanations are otherwise right', async () => {
    const found = await checkPlanted(invented(120));
    expect(found).toMatchObject({ latents: { explained: 120, judged: 120 }, reachesGoal: true });
    expect(found.recall).toMatchObject({ count: 24, of: 24, share: 1 });
    expect(found.precision.share).toBeGreaterThan(0.8);
    expect(found.kinds.map(({ kind, recall }) => [kind, recall.of])).toEqual([
      ['swapped', 6],
      ['negated', 6],
      ['broadened', 6],
      ['narrowed', 6],
    ]);
  });
  it('takes back what changes nothing: half of these rules never match', async () => {
    const { kinds } = await checkPlanted(invented(120));
    expect(kinds.find(({ kind }) => kind === 'narrowed')!.withoutEffect).toBeGreaterThan(0);
  });
  it('is the same again by the same seed, and another by another', async () => {
    const input = invented(120);
    const first = await checkPlanted(input);
    expect(await checkPlanted(input)).toEqual(first);
    const other = await checkPlanted({ ...input, seed: 't' });
    expect(other.kinds.map(({ cost }) => cost.found)).not.toEqual(first.kinds.map(({ cost }) => cost.found));
  });
  it('refuses where too few latents can be judged', async () => {
    await expect(checkPlanted(invented(90))).rejects.toMatchObject({ code: 'TOO_FEW_LATENTS' });
  });
  it('stops when it is told to', async () => {
    const stopped = { ...invented(120), signal: AbortSignal.abort(new Error('enough')) };
    await expect(checkPlanted(stopped)).rejects.toThrow('enough');
  });
});

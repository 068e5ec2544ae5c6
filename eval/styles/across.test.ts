import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../harness/index.js';
import type { PositionRow } from '../result/positions.js';
import { type ArmDescription, summarySchema } from '../summary.js';
import { compareResults, fullArmsOf, type ResultToCompare } from './across.js';

interface Invented {
  /** Nats that each arm loses; `a:linear` becomes the arm `a:linear@1` of calibration linear. */
  readonly rises: Readonly<Record<string, number>>;
  readonly contexts?: readonly string[];
  readonly partial?: boolean;
  /** Of the unedited model. */
  readonly model?: number;
  readonly dropped?: readonly string[];
  readonly imputations?: number;
}

const CONTEXTS = Array.from({ length: 30 }, (_, c) => `c${c}`);
const unmeasured = { mean: null, why: 'not needed here' } as const;

function invent(name: string, options: Invented): ResultToCompare {
  const { rises, contexts = CONTEXTS, partial = false, model = 0, dropped = [], imputations } = options;
  const losses = { original: 0, ...rises };
  const describe = (id: string): ArmDescription => {
    const calibration = id.split(':')[1] ?? null;
    const more = id === 'original' ? { kind: id, fraction: null } : { kind: 'simulated', fraction: 1 };
    return { id, style: null, simulator: null, calibration, selection: null, ...more };
  };
  const rows = Object.entries(losses).flatMap(([arm, rise]): PositionRow[] => {
    const versions = imputations === undefined || arm === 'original' ? [null] : [...Array(imputations).keys()];
    return versions.flatMap((imputation) =>
      contexts.flatMap((context) =>
        [3, 4].map((index) => {
          const text = seededRandom(`${context}/${index}`).next();
          const own = rise === 0 ? 0 : 0.05 * seededRandom(`${name}/${arm}/${imputation}/${context}/${index}`).normal();
          const ce = 2 + model + text + rise + own;
          const rest = { kl: 0, top1: true, missing: 0, dropped: dropped.includes(context) && arm !== 'original' };
          return { context, index, token: ' a', arm, imputation, ce, ...rest };
        }),
      ),
    );
  });
  const measures = {
    positions: 0,
    asked: null,
    missing: 0,
    ce: unmeasured,
    deltaCe: unmeasured,
    kl: unmeasured,
    recovered: unmeasured,
    recoveredKl: unmeasured,
    top1: unmeasured,
  };
  const summary = summarySchema.parse({
    schema: 'partial-rewrite/summary@1',
    units: { ce: 'nats/token', kl: 'nats/token' },
    ...{ model: 'm', hookpoint: 'h', protocol: 'all', contexts: contexts.length, positions: 2 * contexts.length },
    original: { ce: 2 },
    partial,
    bootstrap: { resamples: 300, seed: '7' },
    gap: unmeasured,
    arms: Object.keys(losses).map((id) => ({ ...describe(id), ...measures })),
    contrasts: [],
  });
  return { name, summary, positions: rows };
}

describe('compareResults', () => {
  const short = invent('short', { rises: { 'a:linear': 0.5, 'a:none': 0.9 } });
  const long = invent('long', { rises: { 'a:linear': 0.3, 'b:linear': 0.5 } });

  it('pairs the full rewrites of two results under equal calibrations, position by position', () => {
    const { contexts, comparisons } = compareResults([short, long]);
    expect(contexts).toBe(30);
    expect(comparisons.map(({ arm, against }) => `${arm.run} ${arm.id} / ${against.run} ${against.id}`)).toEqual([
      'short a:linear / long a:linear',
      'short a:linear / long b:linear',
    ]);
    const [worse, same] = comparisons;
    expect(worse!.deltaCe.mean).toBeCloseTo(0.2, 1);
    // The text's own difficulty, which differs far more, is the same on both sides.
    expect(worse!.deltaCe.se).toBeLessThan(0.02);
    expect(worse!.pAdjusted).toBeLessThan(0.05);
    expect(same!.pAdjusted).toBeGreaterThan(0.05);
  });

  it('does not care in what order contexts were measured', () => {
    const back = invent('long', { rises: { 'a:linear': 0.3, 'b:linear': 0.5 }, contexts: [...CONTEXTS].reverse() });
    expect(compareResults([short, back])).toEqual(compareResults([short, long]));
  });

  it('finds a result no different from itself', () => {
    const twin = { ...short, name: 'twin' };
    const [same] = compareResults([short, twin]).comparisons;
    expect(same).toMatchObject({ deltaCe: { mean: 0, se: 0, ci: [0, 0] }, p: 1, pAdjusted: 1 });
  });

  it('leaves out positions that one of the two dropped, and pools imputations', () => {
    const some = invent('some', { rises: { 'a:linear': 0.4 }, dropped: ['c0', 'c1'], imputations: 3 });
    expect(compareResults([short, some]).comparisons[0]!.deltaCe.mean).toBeCloseTo(0.1, 1);
  });

  it('keeps a context that a run has twice apart', () => {
    const twice = [...CONTEXTS, 'c0'];
    const [a, b] = ['a', 'b'].map((name) => invent(name, { rises: { 'x:none': 0.5 }, contexts: twice }));
    expect(compareResults([a!, b!]).contexts).toBe(31);
  });

  it('compares a partial result on what it has', () => {
    const begun = invent('begun', { rises: { 'a:linear': 0.3 }, contexts: CONTEXTS.slice(0, 9), partial: true });
    expect(compareResults([short, begun]).contexts).toBe(9);
  });

  it.each([
    ['other contexts', { contexts: CONTEXTS.map((id) => `${id}'`) }, /other has 30 contexts, of which 0|short has 30/],
    ['fewer contexts though it is whole', { contexts: CONTEXTS.slice(0, 20) }, /of which 20 are in all of them/],
    ['another model', { model: 0.5 }, /unedited model of other is not that of short/],
  ])('refuses a result of %s, in two lines', (_, more, message) => {
    const compared = () => compareResults([short, invent('other', { rises: { 'a:linear': 0.3 }, ...more })]);
    expect(compared).toThrow(message);
    expect(compared).toThrow(/^[^\n]+\n[^\n]+--unpaired\.$/);
  });

  it('takes of a result that names its entries each under its first calibration', () => {
    const entry = {
      name: 'a',
      style: 'pattern',
      simulator: 'executable',
      exact: true,
      full: [{ calibration: 'none', arm: 'a:none' }],
      sha256: 'a'.repeat(64),
      latents: 1,
      length: null,
      reading: { queries: 0, promptTokens: 0, answerTokens: 0, usd: 0 },
    };
    expect(fullArmsOf({ ...short.summary, entries: [entry] })).toEqual([{ id: 'a:none', calibration: 'none' }]);
  });
});

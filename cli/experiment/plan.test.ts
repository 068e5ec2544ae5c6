import { describe, expect, it } from 'vitest';
import type { Explanation } from '../../explanations/index.js';
import type { Context } from '../../harness/index.js';
import { openShape, type ShapeConfig } from '../../replacements/index.js';
import { duration } from './describe-plan.js';
import { parseExperiment } from './file.js';
import { type Forecast, NOTHING_KNOWN } from './forecast.js';
import { describePlan, type Explained, planRun } from './plan.js';

const LENGTH = 50;
const context = (id: string): Context => ({
  id,
  tokens: new Int32Array(LENGTH),
  text: Array.from({ length: LENGTH }, (_, i) => ` t${i}`),
});
const part = (name: string, count: number) => ({
  contexts: Array.from({ length: count }, (_, i) => context(`${name}${i}`)),
  documents: [],
});
/** 100 evaluated and 20 calibration contexts, one position each. */
const TEXTS = {
  training: part('t', 1),
  evidence: part('e', 1),
  calibration: part('c', 20),
  evaluation: part('v', 100),
  held: new Map(),
  notes: [],
};

const sentence = (latent: number): Explanation => ({
  hookpoint: 'layers.0.mlp',
  latent,
  style: 'sentence',
  text: `Latent ${latent}.`,
  provenance: { by: 'hand' },
});
/** So many of 64 latents, explained. */
const given = (count: number): Explained => ({
  given: new Map(Array.from({ length: count }, (_, latent) => [latent, sentence(latent)])),
  width: 64,
});

interface Asked {
  readonly shape?: ShapeConfig;
  readonly keys?: string;
  readonly simulator?: string;
  readonly explained?: readonly Explained[];
  readonly forecast?: Forecast;
}

function plan({ shape = { kind: 'last-token' }, keys = '', simulator = '', explained, forecast }: Asked = {}) {
  const experiment = parseExperiment(
    `
model: m
hookpoint: layers.0.mlp
coder: { train: {} }
texts: { evidence: { path: a }, calibration: { path: b }, evaluation: { path: c } }
prices: { judge: { usdPerMillionIn: 1, usdPerMillionOut: 10 } }
simulated:
  - { style: sentence, simulator: { kind: openai, model: judge${simulator} }, explanations: { file: s.jsonl },
      calibrations: [linear], fractions: [1]${keys} }
`,
    '/x.yaml',
  );
  const planned = planRun(experiment, TEXTS, [explained ?? [given(64)]], [openShape(shape)], forecast);
  return { planned, queries: planned.queries[0]!, told: describePlan(planned) };
}

const KNOWN: Forecast = {
  perSecond: () => 2,
  halfWidth: (_, contexts) => ({ nats: 0.0123 * Math.sqrt(400 / contexts), from: 'results/x', fromContexts: 400 }),
};

describe('a plan', () => {
  it('counts queries, tokens in and out, and their price', () => {
    const { queries, told } = plan();
    expect(queries).toMatchObject({
      ratings: 7680,
      queries: 7680,
      queriesAt: [7680],
      share: 1,
      exhaustiveQueries: 7680,
    });
    // Room for three tokens is given to each answer.
    expect(queries.answerTokens).toBe(3 * 7680);
    expect(queries.usd).toBeCloseTo((queries.promptTokens! + 10 * queries.answerTokens!) / 1e6, 2);
    expect(told).toMatch(/7,680 queries for 7,680 ratings \(64 latents at 100 evaluated \+ 20 calibration positions\)/);
    expect(told).toMatch(
      /about [\d,]+ prompt tokens at 4 characters a token, at most 23,040 answer tokens; about \$\d/,
    );
  });

  it('says what is not known before a run', () => {
    const { queries, told } = plan({ forecast: NOTHING_KNOWN });
    expect([queries.time, queries.halfWidth]).toEqual([null, null]);
    expect(told).toContain('time not known before the first run');
    expect(told).toContain('95 % interval of ΔCE not known before a run');
  });

  it('says time and interval as earlier runs let expect them', () => {
    const { queries, told } = plan({ forecast: KNOWN });
    expect(queries.time).toEqual({ seconds: 3840, perSecond: 2, paceIs: 'of the last run' });
    expect(told).toContain('about 64 min at 2 queries/s, as in the last run');
    expect(told).toContain('about ± 0.025 nats, by the 400 contexts of results/x');
  });

  it('takes the pace that the experiment states before the one that was measured', () => {
    const { queries, told } = plan({ simulator: ', expectedCallsPerSecond: 100', forecast: KNOWN });
    expect(queries.time).toMatchObject({ seconds: 76.8, paceIs: 'stated' });
    expect(told).toContain('about 77 s at 100 queries/s, as the experiment says');
  });

  it('of a sample asks its share, and says what asking all would cost', () => {
    const { queries, told } = plan({ keys: ', shuffled: false, plan: { kind: sampled, share: 0.05 }' });
    expect(queries).toMatchObject({ share: 0.05, ratings: 384, exhaustiveRatings: 7680, exhaustiveQueries: 7680 });
    // Of 64 latents at a position, 3.2 are asked: 4 at most.
    expect(queries.queries).toBe(480);
    expect(queries.exhaustiveUsd! / queries.usd!).toBeCloseTo(16, 6);
    expect(told).toMatch(/a sample of 5 %; asking all would take 7,680 queries, about \$\d/);
  });

  it('of a sample asks for the shuffled control too: it draws other pairs', () => {
    const sampled = (shuffled: boolean) =>
      plan({ keys: `, shuffled: ${shuffled}, plan: { kind: sampled, share: 0.05 }` }).queries.queries;
    expect(sampled(true)).toBe(2 * sampled(false));
  });

  it.each<[ShapeConfig, number, string, boolean]>([
    [{ kind: 'yes-no' }, 7680, 'yes-no', false],
    // 120 positions, four lists of 16; and again for other explanations in their places.
    [{ kind: 'many-latents', latents: 16, seed: 0 }, 960, 'many-latents-16', false],
    [{ kind: 'all-tokens', tokens: 32 }, 7680, 'all-tokens-32', true],
  ])('of the shape %j counts its queries, and says what they show', (shape, count, id, seesBeyond) => {
    const { queries, told } = plan({ shape });
    expect(queries.queries).toBe(count);
    expect(queries.asks).toMatchObject({ shape: id, seesBeyond, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(told.includes('may know of later tokens')).toBe(seesBeyond);
    expect(queries.asks!.sha256).not.toBe(plan().queries.asks!.sha256);
  });

  it('of explanations that are still to be induced is an upper limit, and knows no tokens', () => {
    const { queries, told } = plan({ explained: [{ atMost: 64 }] });
    expect(queries).toMatchObject({ latentsAre: 'at most', promptTokens: null, answerTokens: null, usd: null });
    expect(told).toMatch(/at most 7,680 queries/);
    expect(told).toContain('tokens not known before the explanations are');
  });

  it('lists the silenced control where it is sure, and says so where it hangs on what can be explained', () => {
    const silenced = 'control-silenced:sentence';
    const [all, some, unknown] = [[given(64)], [given(10)], [{ atMost: 64 }]].map((explained) => plan({ explained }));
    expect([all!.planned.arms.includes(silenced), all!.planned.mayAppear]).toEqual([false, []]);
    expect([some!.planned.arms.includes(silenced), some!.planned.mayAppear]).toEqual([true, []]);
    expect([unknown!.planned.arms.includes(silenced), unknown!.planned.mayAppear]).toEqual([false, [silenced]]);
    expect(unknown!.told).toContain(`${silenced} is measured too where some latents get no explanation`);
  });

  it('is the same plan whatever earlier runs tell', () => {
    expect(plan({ forecast: KNOWN }).planned.id).toBe(plan().planned.id);
  });
});

it.each([
  [0.2, '1 s'],
  [40, '40 s'],
  [720, '12 min'],
  [12_600, '3.5 h'],
  [181_440, '2.1 days'],
])('%f seconds are %s', (seconds, told) => {
  expect(duration(seconds)).toBe(told);
});

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { readSummary } from '../eval/index.js';
import { type ExplainedStyle, type Explanation, explanationLength, readExplanations } from '../explanations/index.js';
import { openTokenizer } from '../harness/index.js';
import { main } from './dispatch.js';
import { cachedEvidence } from './experiment/induction/groups.js';
import { EXIT } from './io.js';
import { fakeIo } from './testing/io.js';
import { SMALL, WORLD, writeExperiment } from './testing/small-experiment.js';

const LATENTS = 8;
const MAX_TOKENS = 20;
const HOOKPOINTS = { transcoder: 'layers.1.mlp', sae: 'layers.1' } as const;
type Kind = keyof typeof HOOKPOINTS;

const folder = mkdtempSync(join(tmpdir(), 'explain-'));
const at = (...path: string[]) => join(folder, ...path);

async function run(...args: string[]) {
  const io = fakeIo({ PARTIAL_REWRITE_CACHE: at('cache') });
  const exit = await main(args, io);
  return { exit, printed: io.printed.join('\n'), noted: io.noted.join('\n') };
}

const coderOf = (kind: Kind) => at(kind, HOOKPOINTS[kind]);
const text = ['--text', WORLD.evidence, '--to', '5', '--length', '64'];

function explain(kind: Kind, style: string, out: string, ...more: string[]) {
  const flags = ['--coder', coderOf(kind), '--style', style, '--max-tokens', String(MAX_TOKENS), '--out', at(out)];
  return run('explain', WORLD.model, ...flags, ...(more.length > 0 ? more : text));
}

beforeAll(async () => {
  const documents = z.array(z.string()).parse(JSON.parse(readFileSync(WORLD.evidence, 'utf8')));
  writeFileSync(at('first.json'), JSON.stringify(documents.slice(0, 1)));
  for (const [kind, hookpoint] of Object.entries(HOOKPOINTS)) {
    const recipe = ['--kind', kind, '--latents', String(LATENTS), '--k', '4', '--epochs', '1', '--batch', '256'];
    const flags = ['--hookpoint', hookpoint, '--text', WORLD.evidence, '--to', '30', '--out', at(kind)];
    expect(await run('train', WORLD.model, ...flags, ...recipe)).toMatchObject({ exit: EXIT.done });
  }
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('partial-rewrite explain', () => {
  const written = new Map<string, readonly Explanation[]>();
  // Each explainer has tests of its own: here are those that differ in what they need.
  const some: readonly (readonly [Kind, ExplainedStyle])[] = [
    ['transcoder', 'pattern'],
    ['transcoder', 'graded'],
    ['transcoder', 'output'],
    ['transcoder', 'contrastive'],
    ['sae', 'program'],
    ['sae', 'input+output'],
  ];

  it.each(some)('writes for a %s: %s', async (kind, style) => {
    const out = `${kind}-${style}.jsonl`;
    const { exit, printed, noted } = await explain(kind, style, out);
    expect(noted).toMatch(/^\d+ of 8 latents explained .*, \d+\.\d tokens each on average, at most 20\.$/);
    expect([exit, printed]).toEqual([EXIT.done, at(out)]);
    const explanations = await readExplanations(printed, new Map([[HOOKPOINTS[kind], LATENTS]]));
    expect(explanations.length).toBeGreaterThan(LATENTS / 2);
    expect(new Set(explanations.map((each) => each.style))).toEqual(new Set([style]));
    const tokenizer = await openTokenizer(WORLD.model);
    const lengths = explanations.map((each) =>
      explanationLength(each, (prose) => tokenizer.encode(prose, { special: false }).length),
    );
    expect(Math.max(...lengths)).toBeLessThanOrEqual(MAX_TOKENS);
    written.set(out, explanations);
  });

  it('says what was explained, and from what', () => {
    const provenances = [...written.values()].flat().map(({ provenance }) => provenance);
    for (const { coder, evidence } of provenances) {
      expect(coder).toMatch(/^[\da-f]{64}$/);
      expect(evidence).toMatch(/^[\da-f]{16}$/);
    }
    expect(new Set(provenances.map(({ coder }) => coder)).size).toBe(2);
  });

  it('tells latents apart by what they promote and by their neighbours, which are others', () => {
    const output = written.get('transcoder-output.jsonl')!;
    const promotes = output.map((each) => JSON.stringify('promotes' in each && each.promotes));
    expect(new Set(promotes).size).toBeGreaterThan(output.length / 2);
    for (const each of written.get('transcoder-contrastive.jsonl')!) {
      if (each.style === 'contrastive') expect(each.against).not.toContain(each.latent);
    }
  });

  describe('from a cache of activations', () => {
    const cached = (out: string, kind: Kind, style: string, ...more: string[]) =>
      explain(kind, style, out, '--cache', at('activations'), ...more);

    it.each([
      ['pattern', 'transcoder-pattern.jsonl'],
      ['contrastive', 'transcoder-contrastive.jsonl'],
    ])('writes the same as from the text: %s', async (style, out) => {
      const where = ['--coder', coderOf('transcoder'), ...text, '--out', at('activations')];
      expect(await run('cache', WORLD.model, ...where)).toMatchObject({ exit: EXIT.done });
      const { exit, noted } = await cached(`cached-${out}`, 'transcoder', style);
      expect([exit, noted]).toEqual([EXIT.done, expect.stringMatching(/^\d+ of 8 latents explained/)]);
      expect(readFileSync(at(`cached-${out}`), 'utf8')).toBe(readFileSync(at(out), 'utf8'));
    });

    it.each([
      ['of another coder', 'sae', [], /activations was filled for another coder: it has 8 latents at layers\.1\.mlp/],
      ['beside another text', 'transcoder', ['--from', '3'], /^--from is given, and --cache has its text already/],
      [
        'of text that is held out',
        'transcoder',
        ['--held-out', at('first.json')],
        /contexts of the evidence share at least/,
      ],
    ] as const)('refuses a cache %s', async (_, kind, flags, message) => {
      const { exit, noted } = await cached('refused.jsonl', kind, 'pattern', ...flags);
      expect(exit).toBe(EXIT.usage);
      expect(noted).toMatch(message);
      expect(noted.split('\n')).toHaveLength(2);
    });

    it('is read group by group where it is large, every latent in its turn', async () => {
      const hookpoint = HOOKPOINTS.transcoder;
      const scale = new Float32Array(LATENTS).fill(1);
      const beside = {
        hookpoint,
        latentScale: scale,
        directions: null,
        neighbours: null,
        promoted: null,
      };
      const evidence = { kind: 'cached', folder: at('activations'), tokenizer: WORLD.model, beside } as const;
      const groupsOf = async (style: ExplainedStyle) => {
        const groups: { from: number; to: number }[] = [];
        for await (const { from, to } of cachedEvidence(style, evidence, 200)) groups.push({ from, to });
        return groups;
      };
      const groups = await groupsOf('pattern');
      expect(groups.length).toBeGreaterThan(2);
      expect(groups.map(({ from }) => from)).toEqual([0, ...groups.slice(0, -1).map(({ to }) => to)]);
      // What similar latents do must be known too.
      expect(await groupsOf('contrastive')).toEqual([{ from: 0, to: LATENTS }]);
    });
  });

  it('refuses text that is held out', async () => {
    const { exit, noted } = await explain(
      'transcoder',
      'pattern',
      'held.jsonl',
      ...text,
      '--held-out',
      at('first.json'),
    );
    expect(exit).toBe(EXIT.usage);
    expect(noted).toMatch(/contexts of the evidence share at least 64 tokens in a row/);
  });

  it('leaves held text out where it is told to, and says how much', async () => {
    const flags = [...text, '--held-out', at('first.json'), '--leave-out'];
    const { exit, noted } = await explain('transcoder', 'frequency', 'rest.jsonl', ...flags);
    expect(exit).toBe(EXIT.done);
    const [, left, all] = /^(\d+) of (\d+) contexts share text with what is held out: left out\./.exec(noted) ?? [];
    expect(Number(left)).toBeGreaterThan(0);
    expect(Number(left)).toBeLessThan(Number(all) / 2);
    const cached = await explain('transcoder', 'frequency', 'x.jsonl', '--cache', at('activations'), '--leave-out');
    expect(cached.noted).toMatch(/^--leave-out is given, and --cache has its text already\.\n {2}Fill the cache with/);
  });

  it('refuses a style that nothing writes, and names those that can be had', async () => {
    const { exit, printed, noted } = await explain('transcoder', 'haiku', 'haiku.jsonl');
    expect([exit, printed]).toEqual([EXIT.usage, '']);
    expect(noted.split('\n')).toHaveLength(2);
    expect(noted).toMatch(/"haiku"\.\n {2}Styles .*pattern, token-table, program/);
  });
});

describe('explanations that an experiment has written', () => {
  const styles = ['token-table', 'program'] as const satisfies readonly ExplainedStyle[];
  const experiment = {
    ...SMALL,
    texts: {
      evidence: { ...SMALL.texts.evidence, to: 5 },
      calibration: { ...SMALL.texts.calibration, contexts: 8 },
      evaluation: { ...SMALL.texts.evaluation, to: 4, contexts: 8 },
    },
    simulated: styles.map((style) => ({
      ...SMALL.simulated[0],
      fractions: [1],
      explanations: { induce: { style, maxTokens: 6 } },
    })),
  };

  it('are in their own styles, and kept for the next run', async () => {
    const file = writeExperiment(folder, 'styles', experiment);
    const { exit, noted } = await run('run', file, '--out', at('results'));
    expect(noted).not.toMatch(/Error/);
    expect(exit).toBe(EXIT.done);
    const { entries } = await readSummary(at('results'));
    expect(entries.map(({ name, style }) => [name, style])).toEqual(styles.map((style) => [style, style]));
    for (const { length } of entries) expect(length!.mean).toBeLessThanOrEqual(6);
    const kept = () =>
      readdirSync(at('cache', 'explanations')).map((name) => [
        name,
        statSync(at('cache', 'explanations', name)).mtimeMs,
      ]);
    const before = kept();
    expect(before).toHaveLength(2);
    expect((await run('run', file, '--out', at('again'))).exit).toBe(EXIT.done);
    expect(kept()).toEqual(before);
  });

  it.each([
    ['a style that nothing writes', { explanations: { induce: { style: 'haiku' } } }, /induce\.style: .*"pattern"/],
    [
      'an entry whose style nothing writes',
      { style: 'sentence', explanations: { induce: {} } },
      /sentence is not written from evidence alone; these styles are: .*pattern/,
    ],
    [
      'two styles at once',
      { style: 'program', explanations: { induce: { style: 'pattern' } } },
      /pattern, where the style of the entry is program/,
    ],
    ['explanations that nobody reads', { style: null, explanations: { induce: {} } }, /style: null/],
  ])('are refused for %s', async (_, change, message) => {
    const entry = { ...SMALL.simulated[0], ...change };
    const { exit, noted } = await run('plan', writeExperiment(folder, 'refused', { ...SMALL, simulated: [entry] }));
    expect(exit).toBe(EXIT.usage);
    expect(noted).toMatch(message);
    expect(noted.split('\n')).toHaveLength(2);
  });
});

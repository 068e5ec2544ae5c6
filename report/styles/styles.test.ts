import { describe, expect, it } from 'vitest';
import { renderReport, renderStyleFigures } from '../index.js';
import { inventedNumbers } from '../invented.fixture.js';
import { linearAxis, logAxis } from './axis.js';
import { paretoFront } from './front.js';
import { inventStyles } from './invented.fixture.js';
import { type Box, overlap, placeLabels } from './labels.js';

const SEEDS = [1, 2, 3, 4, 5];
/** Text as a reader sees it: no tags, plain spaces. */
const read = (markup: string): string =>
  markup
    .replace(/<style>[\s\S]*?<\/style>/g, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/[\s\u202f\u00a0]+/g, ' ');

describe('paretoFront', () => {
  it('keeps what nothing beats at both, by hand', () => {
    const items = [
      { name: 'long', cost: 64, worth: 0.8 },
      { name: 'longer, worse', cost: 70, worth: 0.7 },
      { name: 'short', cost: 8, worth: 0.5 },
      { name: 'as short, worse', cost: 8, worth: 0.4 },
      { name: 'longer, the same', cost: 9, worth: 0.5 },
      { name: 'free', cost: 0, worth: -0.1 },
    ];
    expect(paretoFront(items).map(({ name }) => name)).toEqual(['free', 'short', 'long']);
    expect(paretoFront([])).toEqual([]);
  });

  it.each(SEEDS)('holds, and only holds, items that none dominates (seed %i)', (seed) => {
    const random = inventedNumbers(seed);
    const items = Array.from({ length: 60 }, () => ({ cost: random.integer(20), worth: random.integer(20) }));
    const front = paretoFront(items);
    const beaten = (a: (typeof items)[number]) =>
      items.some((b) => b.cost <= a.cost && b.worth >= a.worth && (b.cost < a.cost || b.worth > a.worth));
    for (const item of front) expect(beaten(item)).toBe(false);
    for (const item of items.filter((each) => !beaten(each))) expect(front).toContainEqual(item);
  });
});

describe('placeLabels', () => {
  const frame: Box = { left: 0, right: 420, top: 0, bottom: 300 };

  it('writes a lone label to the right of its point, and to the left at the right end', () => {
    expect(placeLabels([{ x: 100, y: 50, width: 40 }], frame)[0]).toMatchObject({ anchor: 'start', joined: false });
    expect(placeLabels([{ x: 400, y: 50, width: 40 }], frame)[0]).toMatchObject({ anchor: 'end', joined: false });
  });

  it.each(SEEDS)('puts no label on another, on a point or outside, though points crowd (seed %i)', (seed) => {
    const random = inventedNumbers(seed);
    const points = Array.from({ length: 14 }, () => ({
      x: 300 + 40 * random.next(),
      y: 120 + 60 * random.next(),
      width: 30 + 100 * random.next(),
    }));
    const placed = placeLabels(points, frame).map((each) => each!.box);
    for (const [i, box] of placed.entries()) {
      expect(placed.slice(i + 1).filter((other) => overlap(box, other))).toEqual([]);
      expect(points.filter(({ x, y }) => x > box.left && x < box.right && y > box.top && y < box.bottom)).toEqual([]);
      expect(Math.min(box.left, box.top, frame.right - box.right, frame.bottom - box.bottom)).toBeGreaterThanOrEqual(0);
    }
  });

  it('gives none to a label that fits nowhere', () => {
    expect(placeLabels([{ x: 10, y: 10, width: 999 }], frame)).toEqual([null]);
  });
});

describe('the axes', () => {
  const axis = logAxis([0, 3, 64], { base: 2, steps: [1], constant: 1 }, [44, 440]);
  it('have a place for 0, and doublings about equally far apart beyond 1', () => {
    expect(axis.toPixel(0)).toBe(44);
    expect(axis.toPixel(80)).toBeCloseTo(440, 9);
    expect(axis.ticks).toEqual([0, 1, 2, 4, 8, 16, 32, 64]);
    const step = axis.toPixel(64) - axis.toPixel(32);
    expect((axis.toPixel(32) - axis.toPixel(16)) / step).toBeCloseTo(1, 1);
  });
  it('go back from pixels to values', () => {
    for (const value of [0, 0.4, 7, 79]) expect(axis.toValue(axis.toPixel(value))).toBeCloseTo(value, 9);
    const y = linearAxis([-0.3, 1], [300, 26]);
    expect([y.toPixel(1), y.toValue(y.toPixel(0.25))]).toEqual([26, expect.closeTo(0.25, 12)]);
  });
  it('take ticks within decades where there are few', () => {
    const few = logAxis([0.04, 0.3], { base: 10, steps: [1, 2, 5], constant: 0.01 }, [0, 1]);
    expect(few.ticks).toEqual([0, 0.01, 0.02, 0.05, 0.1, 0.2]);
  });
});

describe('a report of many styles', () => {
  const data = inventStyles();
  const page = renderReport(data);
  const text = read(page);

  it('draws the same page again, without a number that is none', () => {
    expect(renderReport(inventStyles())).toBe(page);
    expect(page).not.toMatch(/\bNaN\b|undefined|\bnull\b|Infinity|\[object|\bfalse\b|=&gt;|=>/);
  });

  it('shows each entry by name in both pictures, and tells what lies below them', () => {
    const pictures = [...renderStyleFigures(data.summary)];
    expect(pictures.map(([name]) => name)).toEqual(['styles-length.svg', 'styles-cost.svg']);
    for (const [, svg] of pictures) {
      expect(svg).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg"/);
      for (const { name } of data.summary.entries) expect(svg, name).toContain(`>${name}</text>`);
    }
    expect(text).toMatch(/Below the picture: empty −\d+ %/);
  });

  it('says of each how long it is, what reading takes, what it keeps and what beats it', () => {
    expect(text).toMatch(/sentence openai:llama-3.1-8b 21\.3 21 \d+ \d+ [\d ]+, \$\d\.\d 0 %/);
    expect(text).toMatch(/program executable 33\.9 34 0 nobody is asked 73 % \[7\d %, 7\d %\] pattern-64 \(\+0\.03\d/);
  });

  it('marks comparisons of entries that do not explain the same latents', () => {
    expect(text).toContain('do not explain the same latents');
    expect(page).toContain('<code>sentence</code>*');
  });

  it('splits what is lost of a pattern between the explanation and its reader', () => {
    expect(text).toMatch(
      /pattern-64 pattern-64-read 20 % \[[^\]]*\] \+0\.09\d \[[^\]]*\] 34 % \[[^\]]*\] \+0\.163 \[[^\]]*\] 46 % .*? yes, p = 0\.00\d/,
    );
  });

  it('names the winners of latents, with both explanations', () => {
    expect(text).toMatch(/pattern-64 wins 612 of 1 ?024; sentence wins 381 of 1 ?012/);
    expect(text).toMatch(
      /731 pattern-64 32 %, F1 0\.81, 51 9 on &quot; kite&quot;\. sentence 100\.2 %, F1 –, 2 Toys\. 0\.021/,
    );
  });

  it('shows hostile names and explanations as text', () => {
    const hostile = `</code><script>alert('"&')</script>\u202e`;
    const { summary, examples } = data;
    const winners = examples.winners!;
    const [contest] = winners.largest;
    const contenders = contest!.contenders.map((each) => ({ ...each, entry: hostile, explanation: hostile }));
    const entries = summary.entries.map((entry, i) => ({ ...entry, name: `${i}${hostile}`, simulator: hostile }));
    const changed = {
      ...data,
      summary: { ...summary, entries },
      examples: { ...examples, winners: { ...winners, largest: [{ ...contest!, contenders }] } },
    };
    const drawn = renderReport(changed) + [...renderStyleFigures(changed.summary).values()].join('');
    expect(drawn).not.toContain('<script');
    expect(drawn).not.toContain('\u202e');
  });

  it('draws no empty picture where no share is known, and says why', () => {
    const recovered = { mean: null, why: 'the gap between zero-output and coder is not above 0' } as const;
    const arms = data.summary.arms.map((arm) => ({ ...arm, recovered }));
    const gapless = { ...data, summary: { ...data.summary, arms } };
    expect(renderStyleFigures(gapless.summary).size).toBe(0);
    const drawn = renderReport(gapless);
    expect(drawn).not.toContain('Share kept against length');
    expect(read(drawn)).toMatch(
      /sentence openai:llama-3.1-8b .*? – the gap between zero-output and coder is not above 0/,
    );
  });

  it('leaves all of it out where there is one entry, and in results from before', () => {
    const one = { ...data, summary: { ...data.summary, entries: data.summary.entries.slice(0, 1), readers: [] } };
    const bare = read(renderReport({ ...one, examples: { ...one.examples, winners: null } }));
    expect(bare).not.toMatch(/worth their length|Two readers|wins which latent/);
    expect(renderStyleFigures(one.summary).size).toBe(0);
  });
});

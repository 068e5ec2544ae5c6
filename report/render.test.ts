import { describe, expect, it } from 'vitest';
import type { ReportData } from '../eval/index.js';
import { armsTable, renderFigure, renderReport } from './index.js';
import { type InventedArm, inventedArms, inventReport } from './invented.fixture.js';

const pattern = {
  kind: 'simulated',
  style: 'pattern',
  simulator: 'executable',
  calibration: 'quantile',
  selection: 'top',
} as const;
const FEW: InventedArm[] = [
  ['original', 0],
  ['zero-output', 0.54],
  ['coder', 0.04],
  ['control-ngram-1', 0.41],
  ['pattern@0.5', 0.08, { ...pattern, fraction: 0.5 }],
  ['pattern@1', 0.15, { ...pattern, fraction: 1 }],
];
const small = inventReport(FEW, { contexts: 12, perContext: 2 });
const whole = inventReport(inventedArms());
const page = renderReport(whole);

/** Text as a reader sees it: no tags, no style sheet, plain spaces. */
function read(markup: string): string {
  return markup
    .replace(/<style>[\s\S]*?<\/style>/g, '')
    .replace(/<[^>]*>/g, '')
    .replace(/[\s\u202f\u00a0]+/g, ' ');
}

describe('renderReport', () => {
  it('is what it was', async () => {
    await expect(renderReport(small)).toMatchFileSnapshot('./__snapshots__/small.html');
  });

  it('gives the same page for the same data, whatever was drawn before', () => {
    renderReport(small);
    expect(renderReport(whole)).toBe(page);
  });

  it('is one file: no scripts, nothing to load, no address but none', () => {
    expect(page).not.toMatch(/<script|<link|<img|<iframe|@import|url\((?!#)|\bsrc=|\bhref=|https?:/i);
    expect(page).toContain(`default-src 'none'`);
  });

  it('never shows a number that is none', () => {
    expect(page).not.toMatch(/\bNaN\b|undefined|\bnull\b|Infinity|\[object/);
  });

  it('leads with the gap and the share kept, in figures and in a sentence', () => {
    const text = read(page);
    expect(text).toMatch(/Gap closed by the coder 0\.\d{3} nats\/token 95 % interval \[0\.\d{3}, 0\.\d{3}\]/);
    expect(text).toMatch(
      /replacing the encoder by pattern explanations \(executable, calibration quantile\) keeps \d\d % of/,
    );
    expect(text.indexOf('Gap closed')).toBeLessThan(text.indexOf('How the loss grows'));
    expect(text.indexOf('How the loss grows')).toBeLessThan(text.indexOf('All arms'));
    expect(text.indexOf('All arms')).toBeLessThan(text.indexOf('Where the error comes from'));
  });

  it('says which rewrite is better than zero-output, which is no different, and which is worse', () => {
    const text = read(page);
    expect(text).toMatch(
      /pattern explanations \(executable, calibration quantile\) keeps [^.]*\. It is better than zero-output/,
    );
    expect(text).toMatch(
      /sentence explanations \(openai:llama-3.1-8b, calibration quantile\) keeps [^.]*\. It is no different from zero-output within ±0\.\d{3} nats\/token/,
    );
    expect(text).toMatch(/synthetic-0.42-0.9 keeps nothing: its share is −\d[^.]*\. It is worse than zero-output/);
  });

  it('keeps the plots readable beside an absurd arm, and says where it is', () => {
    expect(read(page)).toMatch(/Above the picture, in nats\/token:[^.]*\.[^▲]*synthetic-0\.42-0\.9 \+29\.\d/);
    const ticks = [...page.matchAll(/y="0.32em">([\d.]+)</g)].map(([, tick]) => Number(tick));
    expect(Math.max(...ticks)).toBeLessThan(1.5);
  });

  it('names every arm once in its table', () => {
    for (const { id } of whole.summary.arms) {
      expect(page.split(`<th scope="row"><code>${id}</code></th>`), id).toHaveLength(2);
    }
  });

  it('shows hostile text as text', () => {
    const hostile = `</script><script>alert('"&')</script>\u202e]]>`;
    const shown = whole.examples.latents[0]!;
    const data: ReportData = {
      ...whole,
      summary: {
        ...whole.summary,
        model: hostile,
        hookpoint: hostile,
        arms: whole.summary.arms.map((arm) => ({ ...arm, id: `${arm.id}${hostile}`, style: arm.style && hostile })),
      },
      manifest: { ...whole.manifest, config: { [hostile]: hostile } },
      examples: {
        ...whole.examples,
        latents: [
          {
            ...shown,
            explanation: hostile,
            examples: [{ context: hostile, tokens: [hostile, '\n'], actual: [1, 0], simulated: [null, 2] }],
          },
        ],
      },
    };
    const drawn = renderReport(data) + renderFigure(data.summary);
    expect(drawn).not.toContain('<script');
    expect(drawn).not.toContain('\u202e');
    expect(drawn).toContain('&lt;script&gt;');
    expect(armsTable(data.summary)).not.toContain('\u202e');
  });

  it('says so where there is no gap, no rewrite and no example to show', () => {
    const bare = inventReport(
      [
        ['original', 0],
        ['mean', 0.3],
      ],
      { contexts: 4, perContext: 1 },
    );
    const text = read(renderReport({ ...bare, examples: { ...bare.examples, latents: [] } }));
    expect(text).toContain('not to be had');
    expect(text).toContain('No arm rewrites every latent');
    expect(text).not.toContain('How the loss grows');
  });

  it('warns of a partial result', () => {
    const partial = { ...small, summary: { ...small.summary, partial: true } };
    expect(read(renderReport(partial))).toContain('Partial result.');
    expect(armsTable(partial.summary)).toContain('(partial)');
  });
});

describe('renderFigure', () => {
  const figure = renderFigure(whole.summary);
  it('is a standalone picture with the coder first, zero-output, and shares kept', () => {
    expect(figure).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg"/);
    expect(figure.replace('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|NaN|undefined/);
    const text = read(figure);
    expect(text).toMatch(/coder.*pattern · executable · quantile.*zero-output/);
    expect(text).toMatch(/keeps 77 %/);
  });
});

describe('armsTable', () => {
  it('fits a terminal of 100 columns, names and all', () => {
    const long: InventedArm = [
      `simulated/${'very-long-simulator-name/'.repeat(3)}@1`,
      0.2,
      { ...pattern, fraction: 1 },
    ];
    for (const line of armsTable(inventReport([...inventedArms(), long]).summary).split('\n')) {
      expect(line.length, line).toBeLessThanOrEqual(100);
    }
  });

  it('is what it was', () => {
    expect(armsTable(small.summary)).toMatchSnapshot();
  });

  it('gives the reason where a number could not be had', () => {
    const bare = inventReport(
      [
        ['original', 0],
        ['mean', 0.3],
      ],
      { contexts: 4, perContext: 1 },
    );
    expect(armsTable(bare.summary)).toContain('– needs the arms zero-output and coder');
  });
});

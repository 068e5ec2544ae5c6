import * as Plot from '@observablehq/plot';
import type { Arm, Summary } from '../eval/index.js';
import { armName, armOfKind, fullControls, fullRewrites } from './arms.js';
import { nats, percent, percentRange, signedNats } from './format.js';
import { visible } from './html.js';
import { drawSvg } from './plot.js';
import { COLORS } from './style.js';

interface Row {
  readonly arm: Arm;
  readonly name: string;
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  readonly color: string;
  readonly note: string;
}

const WIDTH = 920;
const ROW_HEIGHT = 27;

/**
 * One picture of a result for a page that is not ours, such as a README: ΔCE of zero-output, of every full rewrite, of
 * the controls and of the coder, with 95 % intervals and the share of the gap kept. A standalone SVG, light and dark.
 */
export function renderFigure(summary: Summary): string {
  const rows = [
    armOfKind(summary, 'coder'),
    ...fullRewrites(summary),
    ...fullControls(summary),
    armOfKind(summary, 'zero-output'),
  ].flatMap((arm) => (arm === null ? [] : figureRow(arm)));
  rows.sort((a, b) => a.mean - b.mean);
  const zero = armOfKind(summary, 'zero-output')?.deltaCe.mean ?? null;
  const highest = Math.max(0, ...rows.map(({ high }) => high));
  const top = zero !== null && zero > 0 ? Math.min(1.5 * zero, highest) : highest;
  const start = Math.min(0, ...rows.map(({ low }) => low));
  const inside = rows.filter(({ mean }) => mean <= top);
  const beyond = rows.filter(({ mean }) => mean > top);
  const title = `${summary.hookpoint} of ${summary.model}: rise in loss, ΔCE in nats/token (lower is better)`;
  const place = { y: ({ arm }: Row) => arm.id };
  const style = `${COLORS} text{white-space:pre} svg{color:var(--muted);background:var(--paper)}`;
  const svg = drawSvg(
    'figure',
    title,
    {
      width: WIDTH,
      height: 76 + ROW_HEIGHT * rows.length,
      marginTop: 44,
      marginLeft: 290,
      marginRight: 262,
      marginBottom: 32,
      style: { fontSize: '13px' },
      x: { domain: [start, Math.max(top, 1e-6) * 1.03], label: null, ticks: 5, grid: true },
      y: { domain: rows.map(({ arm }) => arm.id), axis: null, padding: 0.2 },
      color: { type: 'identity' },
      marks: [
        Plot.text([visible(title)], {
          frameAnchor: 'top-left',
          dx: -282,
          dy: -28,
          fontWeight: 600,
          fill: 'var(--ink)',
        }),
        ...(zero === null ? [] : [Plot.ruleX([zero], { stroke: 'var(--muted)', strokeDasharray: '4 3' })]),
        Plot.barX(rows, {
          ...place,
          x1: 0,
          x2: ({ mean }: Row) => Math.min(mean, top * 1.03),
          fill: 'color',
          fillOpacity: 0.25,
          insetTop: 5,
          insetBottom: 5,
        }),
        Plot.link(inside, {
          x1: 'low',
          x2: ({ high }: Row) => Math.min(high, top * 1.03),
          y1: place.y,
          y2: place.y,
          stroke: 'color',
          strokeWidth: 1.6,
        }),
        Plot.dot(inside, { ...place, x: 'mean', r: 4, fill: 'color' }),
        Plot.dot(beyond, { ...place, x: top * 1.03, dx: -2, symbol: 'triangle', rotate: 90, r: 4.5, fill: 'color' }),
        Plot.text(rows, {
          ...place,
          text: 'name',
          frameAnchor: 'left',
          textAnchor: 'start',
          dx: -282,
          fill: 'var(--ink)',
        }),
        Plot.text(rows, {
          ...place,
          text: 'note',
          frameAnchor: 'right',
          textAnchor: 'start',
          dx: 14,
          fill: 'var(--text)',
        }),
      ],
    },
    style,
  );
  return `${svg}\n`;
}

function figureRow(arm: Arm): Row[] {
  const { deltaCe, recovered, kind } = arm;
  if (deltaCe.mean === null) return [];
  const share =
    recovered.mean === null ? '' : ` · ${recovered.mean < 0 ? 'share' : 'keeps'} ${percent(recovered.mean)}`;
  const isEnd = kind === 'coder' || kind === 'zero-output';
  const range = recovered.mean === null || isEnd || recovered.mean < -1 ? '' : ` (${percentRange(recovered.ci)})`;
  return [
    {
      arm,
      name: visible(armName(arm)),
      mean: deltaCe.mean,
      low: deltaCe.ci[0],
      high: deltaCe.ci[1],
      color: rowColor(arm),
      note: `${deltaCe.mean > 0 ? signedNats(deltaCe.mean) : nats(deltaCe.mean)}${isEnd ? '' : share}${range}`,
    },
  ];
}

function rowColor({ kind, style }: Arm): string {
  if (kind.startsWith('control-')) return 'var(--control)';
  if (kind === 'simulated') return style === null ? 'var(--muted)' : 'var(--accent)';
  return 'var(--ink)';
}

import * as Plot from '@observablehq/plot';
import type { Arm, Estimate, Summary } from '../eval/index.js';
import { armOfKind, explanationsName, seriesKey } from './arms.js';
import { nats, signedNats } from './format.js';
import { visible } from './html.js';
import { drawSvg, spread } from './plot.js';

export type Loss = 'deltaCe' | 'kl';

/** One line of the plots: arms that differ only in the fraction of latents rewritten. */
export interface Series {
  /** The parts in which series differ from each other. */
  readonly label: string;
  /** Name of a custom property of the page, e.g. `var(--series-1)`. Both orders of one rewriting share it. */
  readonly color: string;
  readonly dashed: boolean;
  readonly arms: readonly Arm[];
}

export const SERIES_COLORS = 8;

/** Simulated arms as lines, best first at their largest fraction, and controls that were measured at several fractions. */
export function seriesOf({ arms }: Summary): Series[] {
  const byKey = new Map<string, Arm[]>();
  const curves = arms.filter(({ fraction, selection }) => fraction !== null && selection !== null);
  const keys = new Map(curves.map((arm) => [seriesKey(arm), arm.selection]));
  // Where all is rewritten the order no longer matters: that arm ends the lines of both orders.
  const ends = arms.filter(({ fraction, selection }) => fraction !== null && selection === null);
  const ended = ends.flatMap((arm) => {
    const lines = [...new Set(keys.values())].filter((selection) => keys.has(seriesKey({ ...arm, selection })));
    return lines.length > 0 ? lines.map((selection) => ({ ...arm, selection })) : [arm];
  });
  for (const arm of [...curves, ...ended]) {
    const known = byKey.get(seriesKey(arm)) ?? [];
    // Two arms at one fraction differ in something that only their names tell, as two dialled oracles do.
    const key = known.some(({ fraction }) => fraction === arm.fraction) ? arm.id : seriesKey(arm);
    byKey.set(key, [...(byKey.get(key) ?? []), arm]);
  }
  const groups = [...byKey.values()]
    .filter((group) => group.length > 1 || group[0]!.kind === 'simulated')
    .map((group) => group.sort((a, b) => a.fraction! - b.fraction!));
  const parts = groups.map(([arm]) => [
    arm!.kind,
    explanationsName(arm!),
    arm!.simulator,
    arm!.calibration,
    arm!.selection,
  ]);
  const differs = parts[0]?.map((_, i) => new Set(parts.map((part) => part[i])).size > 1) ?? [];
  const colors = new Map<string, string>();
  return groups
    .sort((a, b) => (a.at(-1)!.deltaCe.mean ?? Number.MAX_VALUE) - (b.at(-1)!.deltaCe.mean ?? Number.MAX_VALUE))
    .map((group) => {
      const first = group[0]!;
      const look = first.style === null ? first.id : seriesKey({ ...first, selection: null });
      if (!colors.has(look)) colors.set(look, `var(--series-${(colors.size % SERIES_COLORS) + 1})`);
      const named = [first.kind, explanationsName(first), first.simulator, first.calibration, first.selection]
        .filter((part, i) => part !== null && (i === 0 ? part !== 'simulated' : i === 1 || differs[i]))
        .join(' · ');
      return {
        label: first.style === null && group.length === 1 ? first.id : named,
        color: colors.get(look)!,
        dashed: first.selection === 'sampled',
        arms: group,
      };
    });
}

/** Picture and what had to be left out of it. */
export interface Curve {
  readonly svg: string;
  /** One entry for each level or line that leaves the picture, and how high it goes. */
  readonly offChart: readonly string[];
}

const SIZE = { width: 460, height: 340, marginTop: 26, marginRight: 104, marginBottom: 40, marginLeft: 44 } as const;
const LABEL_HEIGHT = 13;

/**
 * Loss against the fraction of latents rewritten, baselines as labelled levels.
 *
 * The picture ends a little above zero-output: beyond it an arm is worse than nothing, and how much worse is told in
 * words, so that one absurd arm does not flatten the others.
 */
export function drawCurve(summary: Summary, series: readonly Series[], loss: Loss): Curve {
  const coder = armOfKind(summary, 'coder');
  const inSeries = new Set(series.flatMap(({ arms }) => arms));
  const levels = summary.arms
    .filter((arm) => !inSeries.has(arm) && arm.kind !== 'original')
    .flatMap((arm) => measured(arm, loss).map(({ mean }) => ({ arm, y: mean })));
  const points = series.flatMap((line) => {
    const start = coder === null ? [] : measured(coder, loss).map((found) => point(line, 0, found));
    const rest = line.arms.flatMap((arm) => measured(arm, loss).map((found) => point(line, arm.fraction!, found)));
    return line.arms.length > 1 ? [...start, ...rest] : rest;
  });
  const highs = [...levels.map(({ y }) => y), ...points.map(({ high }) => high)];
  const lows = [0, ...levels.map(({ y }) => y), ...points.map(({ low }) => low)];
  const nothing = armOfKind(summary, 'zero-output')?.[loss].mean ?? null;
  const cap = nothing !== null && nothing > 0 ? 1.6 * nothing : Math.max(...highs, 0);
  const top = Math.max(Math.min(cap, Math.max(...highs, 0) * 1.04), 1e-6);
  const bottom = Math.max(Math.min(...lows), -0.5 * top);
  const shown = levels.filter(({ y }) => y <= top);
  const perPixel = (top - bottom) / (SIZE.height - SIZE.marginTop - SIZE.marginBottom);
  const labelled = spread(
    shown.map(({ y }) => y),
    LABEL_HEIGHT * perPixel,
    top,
  ).map((place, i) => ({ ...shown[i]!, place }));
  const above = points.filter(({ y }) => y > top);
  const name = loss === 'deltaCe' ? 'ΔCE' : 'KL';

  const svg = drawSvg(`curve-${loss}`, `${name} in nats per token against the fraction of latents rewritten.`, {
    ...SIZE,
    style: { fontSize: '12px' },
    x: { domain: [0, 1], ticks: 5, label: 'fraction of latents rewritten', labelAnchor: 'center', labelArrow: 'none' },
    y: {
      domain: [bottom, top],
      ticks: 6,
      label: `${name}, nats/token (lower is better)`,
      labelArrow: 'none',
      grid: true,
    },
    color: { type: 'identity' },
    marks: [
      Plot.ruleY(shown, {
        y: 'y',
        stroke: ({ arm }: { arm: Arm }) => levelColor(arm),
        strokeDasharray: '5 3',
        strokeWidth: 1.2,
      }),
      ...series.map((line) => {
        const own = points.filter(({ key }) => key === line);
        return Plot.areaY(own, { x: 'x', y1: 'low', y2: 'high', fill: line.color, fillOpacity: 0.13, clip: true });
      }),
      ...series.map((line) =>
        Plot.lineY(
          points.filter(({ key }) => key === line),
          {
            x: 'x',
            y: 'y',
            stroke: line.color,
            strokeWidth: 2,
            strokeDasharray: line.dashed ? '6 4' : 'none',
            clip: true,
          },
        ),
      ),
      Plot.ruleX(
        points.filter(({ x, y }) => x > 0 && y <= top),
        {
          x: 'x',
          y1: ({ low }: Point) => Math.max(low, bottom),
          y2: ({ high }: Point) => Math.min(high, top),
          stroke: 'color',
        },
      ),
      Plot.dot(
        points.filter(({ x, y }) => x > 0 && y <= top),
        { x: 'x', y: 'y', r: 2.8, fill: 'color', stroke: 'var(--paper)', strokeWidth: 0.8 },
      ),
      Plot.dot(above, { x: 'x', y: top, symbol: 'triangle', r: 4, dy: -6, fill: 'color' }),
      Plot.text(labelled, {
        x: 1,
        y: 'place',
        text: ({ arm }: { arm: Arm }) =>
          levelLabel(
            arm,
            shown.map((level) => level.arm),
          ),
        fill: ({ arm }: { arm: Arm }) => levelColor(arm),
        textAnchor: 'start',
        dx: 7,
        fontSize: 11,
      }),
    ],
  });
  const format = loss === 'deltaCe' ? signedNats : nats;
  return {
    svg,
    offChart: [
      ...levels.filter(({ y }) => y > top).map(({ arm, y }) => `${arm.id} ${format(y)}`),
      ...series.flatMap((line) => {
        const beyond = above.filter(({ key }) => key === line);
        const highest = beyond.reduce<Point | null>(
          (high, each) => (high === null || each.y > high.y ? each : high),
          null,
        );
        if (highest === null) return [];
        return [`${line.label} ${beyond.length > 1 ? 'up to ' : ''}${format(highest.y)}`];
      }),
    ],
  };
}

interface Point {
  readonly key: Series;
  readonly x: number;
  readonly y: number;
  readonly low: number;
  readonly high: number;
  readonly color: string;
}

function point(key: Series, x: number, { mean, ci }: Estimate): Point {
  return { key, x, y: mean, low: ci[0], high: ci[1], color: key.color };
}

/** None where it could not be had, so that it can be flat-mapped away. */
function measured(arm: Arm, loss: Loss): Estimate[] {
  const measure = arm[loss];
  return measure.mean === null ? [] : [measure];
}

/** Longest label that fits beside the plot. */
const LABEL_LENGTH = 17;

/** The kind says it best, unless several levels are of one kind. */
function levelLabel({ id, kind }: Arm, levels: readonly Arm[]): string {
  const label = visible(levels.filter((level) => level.kind === kind).length > 1 ? id : kind);
  return label.length <= LABEL_LENGTH ? label : `${label.slice(0, LABEL_LENGTH - 7)}…${label.slice(-6)}`;
}

function levelColor({ kind }: Arm): string {
  if (kind.startsWith('control-')) return 'var(--control)';
  return kind === 'coder' || kind === 'zero-output' ? 'var(--ink)' : 'var(--muted)';
}

import type { Summary } from '../../eval/index.js';
import { COLORS } from '../style.js';
import { drawStyles } from './picture.js';
import { measuredEntries, pointsOf, pricesOf } from './points.js';

/**
 * The pictures of shares against length and, where somebody is asked, against cost, each as a standalone SVG, light and
 * dark. None where there are fewer than two entries to compare,
 * or no share to draw.
 * @returns by file name
 */
export function renderStyleFigures(summary: Summary): ReadonlyMap<string, string> {
  const entries = measuredEntries(summary);
  if (entries.length < 2) return new Map();
  const sheet = `${COLORS} text{white-space:pre} svg{color:var(--muted);background:var(--paper);font-family:system-ui,sans-serif}`;
  return new Map(
    pricesOf(entries).flatMap((price) => {
      const points = pointsOf(entries, price);
      return points.length === 0 ? [] : [[`styles-${price.id}.svg`, `${drawStyles(points, price, sheet).svg}\n`]];
    }),
  );
}

import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { escapeHtml } from './html.js';

/**
 * Draws a plot as an SVG element in a string. Drawing the same plot twice gives the same string, whatever was drawn
 * before: names of clip paths are numbered within `name`, not within the process.
 * @param name unique within the page
 * @param label what the picture shows, for those who do not see it
 * @param style a style sheet of its own, for a picture that stands alone
 */
export function drawSvg(name: string, label: string, options: Plot.PlotOptions, style?: string): string {
  const { document } = parseHTML('<html></html>');
  const drawn: unknown = Plot.plot({ ...options, document, className: 'plot' });
  const alone = style === undefined ? '' : ' xmlns="http://www.w3.org/2000/svg"';
  // The label is ours to write: linkedom leaves < and > in attributes as they are, which XML does not allow.
  const opening = `<svg${alone} role="img" aria-label="${escapeHtml(label)}" `;
  const sheet = style === undefined ? '' : `<style>${style}</style>`;
  const numbers = new Map<string, number>();
  return outerHtml(drawn)
    .replace(/<style>[\s\S]*?<\/style>/, () => sheet)
    .replace('<svg ', () => opening)
    .replace(/plot-clip-(\d+)/g, (_, drawnAs: string) => {
      if (!numbers.has(drawnAs)) numbers.set(drawnAs, numbers.size + 1);
      return `${name}-clip-${numbers.get(drawnAs)}`;
    });
}

function outerHtml(element: unknown): string {
  if (
    typeof element === 'object' &&
    element !== null &&
    'outerHTML' in element &&
    typeof element.outerHTML === 'string'
  ) {
    return element.outerHTML;
  }
  throw new TypeError('the plot is not an element');
}

/**
 * Moves labels apart so that none overlaps another, keeping their order and staying as near to where they belong as
 * one pass up and one pass down allow.
 * @param places where each label belongs
 * @param gap least distance between two
 * @param top none lies above this
 */
export function spread(places: readonly number[], gap: number, top: number): number[] {
  const order = places.map((_, i) => i).sort((a, b) => places[a]! - places[b]!);
  const moved = [...places];
  let floor = -Infinity;
  for (const i of order) {
    moved[i] = Math.max(places[i]!, floor);
    floor = moved[i]! + gap;
  }
  let ceiling = top;
  for (const i of order.reverse()) {
    moved[i] = Math.min(moved[i]!, ceiling);
    ceiling = moved[i]! - gap;
  }
  return moved;
}

import type { Unexplained } from '../../../replacements/index.js';
import type { Written } from './write.js';

const number = (value: number): string => value.toLocaleString('en-US');

const TOLD: Readonly<Record<Unexplained, string>> = {
  'unreadable answer': 'were answered twice with what cannot be read',
  refused: 'were refused',
  failed: 'brought no answer',
  'no stored answer': 'have no stored answer',
  'no explanation': 'have no explanation',
  'not asked': 'were not reached by the budget',
  'too few examples': 'have too few examples',
  'instructs its reader': 'were answered with text that instructs its reader',
};

/** Stretches of latents that are named of each reason; the others are counted. */
const NAMED = 20;

/** `3, 7-52`: rising numbers, those that follow on each other as a stretch. */
function named(latents: readonly number[]): string {
  const stretches: { from: number; to: number }[] = [];
  for (const latent of latents) {
    const last = stretches.at(-1);
    if (last !== undefined && latent === last.to + 1) last.to = latent;
    else stretches.push({ from: latent, to: latent });
  }
  const shown = stretches.slice(0, NAMED).map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`));
  const more = stretches.slice(NAMED).reduce((sum, { from, to }) => sum + to - from + 1, 0);
  return `${shown.join(', ')}${more > 0 ? ` and ${number(more)} more` : ''}`;
}

/** What came of it, a line each: how many latents are explained, and which are not and why. */
export function describeWritten(
  { explanations, missing, firing, notDrawn }: Pick<Written, 'explanations' | 'missing' | 'firing' | 'notDrawn'>,
  { by, hookpoint, latents }: { readonly by: string; readonly hookpoint: string; readonly latents: number },
): string[] {
  const silent = latents - firing;
  const others = [
    ...(notDrawn === 0 ? [] : [`${number(notDrawn)} more were not drawn`]),
    ...(silent === 0 ? [] : [`${number(silent)} more did not fire`]),
  ];
  const unseen = others.length === 0 ? '' : ` (${others.join(', ')})`;
  const asked = number(firing - notDrawn);
  const head = `${by} explained ${number(explanations.length)} of ${asked} latents at ${hookpoint}${unseen}.`;
  const reasons = [...new Set(missing.map(({ why }) => why))];
  return [
    head,
    ...reasons.map((why) => {
      const of = missing.filter((each) => each.why === why).map(({ latent }) => latent);
      return `  ${number(of.length)} ${TOLD[why]}: latent ${named(of)}`;
    }),
  ];
}

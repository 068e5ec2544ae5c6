import type { Arm, Comparison, Contest, Entry, ReportData, Share, Summary, TwoReaders } from '../../eval/index.js';
import { interval, NONE, nats, percent, pValue, score, signedNats, whole } from '../format.js';
import { type Content, type Html, html, trusted } from '../html.js';
import { drawStyles } from './picture.js';
import { type MeasuredEntry, measuredEntries, pointsOf, pricesOf } from './points.js';

/** Level of the comparisons that a table names. */
const LEVEL = 0.05;

/** What length and reading buy, and which entries differ. Nothing where there is nothing to compare. */
export function styleSection({ summary }: ReportData): Html | null {
  const entries = measuredEntries(summary);
  if (entries.length < 2) return null;
  const readers = new Map(entries.map(({ entry, color }) => [entry.simulator, color]));
  return html`<section><h2>Which explanations are worth their length</h2>
<p class="lead">Every latent that is explained is rewritten. Filled points and the line are the Pareto front: nothing that was measured keeps as much with less. Whiskers are 95&nbsp;% intervals; a point off the front may still be as good as one on it.</p>
<ul class="legend">${[...readers].map(([reader, color]) => html`<li><i class="point" style="--swatch:${color}"></i>read by ${reader}</li>`)}</ul>
<div class="plots">${pricesOf(entries).map((price) => {
    const points = pointsOf(entries, price);
    // Why there is none stands in the table.
    if (points.length === 0) return null;
    const { svg, below } = drawStyles(points, price);
    const title = price.id === 'length' ? 'Share kept against length' : 'Share kept against the cost of reading';
    return html`<figure><figcaption>${title}</figcaption>${trusted(svg)}${
      below.length > 0 && html`<p class="note">▼ Below the picture: ${below.join('; ')}.</p>`
    }</figure>`;
  })}</div>
${styleTable(summary, entries)}</section>`;
}

function styleTable(summary: Summary, entries: readonly MeasuredEntry[]): Html {
  const { comparisons } = summary;
  const best = [...entries].sort((a, b) => (b.arm.recovered.mean ?? -1e9) - (a.arm.recovered.mean ?? -1e9));
  const unlike = comparisons.some(({ latents }) => latents.armOnly + latents.againstOnly > 0);
  return html`<p class="note">Differences of CE, paired by position and adjusted for ${whole(comparisons.length)} ${comparisons.length === 1 ? 'comparison' : 'comparisons'}; those with p below ${LEVEL} are named.${unlike && ' Entries marked * do not explain the same latents: what one leaves alone keeps its true activations there, so that comparison is not fair.'}</p>
<div class="scroll" tabindex="0" role="region" aria-label="Styles and readers"><table>
<thead><tr><th scope="col">Explanations</th><th scope="col">Read by</th><th scope="col">Length<small>tokens, mean<br>median</small></th><th scope="col">Reading<small>queries<br>tokens, price</small></th><th scope="col">Share kept<small>of the gap<br>higher is better</small></th><th scope="col" class="words">Loses more than</th><th scope="col" class="words">Same as<small>within a tenth of the gap</small></th></tr></thead>
<tbody>${best.map(({ entry, arm }) => styleRow(entry, arm, seenFrom(comparisons, arm), namesOf(entries)))}</tbody></table></div>`;
}

/** A comparison as one of its arms sees it: `rise` is what this arm loses more than the other. */
interface Seen {
  readonly other: string;
  readonly rise: number;
  readonly comparison: Comparison;
}

function seenFrom(comparisons: readonly Comparison[], { id }: Arm): Seen[] {
  return comparisons.flatMap((comparison) => {
    const { arm, against, deltaCe } = comparison;
    if (arm === id) return [{ other: against, rise: deltaCe.mean, comparison }];
    return against === id ? [{ other: arm, rise: -deltaCe.mean, comparison }] : [];
  });
}

const namesOf = (entries: readonly MeasuredEntry[]): ReadonlyMap<string, string> =>
  new Map(entries.flatMap(({ entry }) => entry.full.map(({ arm }) => [arm, entry.name] as const)));

function styleRow(entry: Entry, arm: Arm, seen: readonly Seen[], names: ReadonlyMap<string, string>): Html {
  const { length, reading } = entry;
  const name = ({ other, comparison: { latents } }: Seen): Html =>
    html`<code>${names.get(other) ?? other}</code>${latents.armOnly + latents.againstOnly > 0 && '*'}`;
  const beaten = seen
    .filter(({ rise, comparison }) => rise > 0 && comparison.pAdjusted < LEVEL)
    .sort((a, b) => b.rise - a.rise);
  const same = seen.filter(({ comparison }) => comparison.equivalence?.holds === true);
  return html`<tr><th scope="row"><code>${entry.name}</code>${entry.name !== entry.style && html`<small> ${entry.style}</small>`}</th>
<td>${entry.simulator}</td>
<td>${length === null ? NONE : length.mean.toFixed(1)}<small>${length !== null && String(length.median)}</small></td>
<td>${whole(reading.queries)}<small>${readingText(entry)}</small></td>
${shareCell(arm.recovered)}
<td class="words">${list(beaten.map((each) => html`${name(each)} (${signedNats(each.rise)}, ${pValue(each.comparison.pAdjusted)})`))}</td>
<td class="words">${list(same.map(name))}</td></tr>`;
}

function readingText({ reading: { queries, promptTokens, answerTokens, usd } }: Entry): string {
  if (queries === 0) return 'nobody is asked';
  const tokens = promptTokens === null || answerTokens === null ? 'tokens unknown' : whole(promptTokens + answerTokens);
  return `${tokens}, ${usd === null ? 'no price' : `$${usd.toPrecision(2)}`}`;
}

/** Items that a cell has room for. */
const LISTED = 4;

function list(items: readonly Html[]): Content {
  if (items.length === 0) return NONE;
  const more = items.length - LISTED;
  return [items.slice(0, LISTED).map((item, i) => html`${i > 0 && ', '}${item}`), more > 0 && ` and ${more} more`];
}

function shareCell(share: Share): Html {
  if (share.mean === null) return html`<td class="none">${NONE}<small>${share.why}</small></td>`;
  return html`<td>${percent(share.mean)}<small>${interval(share.ci, percent)}</small></td>`;
}

/** The same explanations run and read. Nothing where none are. */
export function readersSection({ summary }: ReportData): Html | null {
  const { readers } = summary;
  if (readers.length === 0) return null;
  const names = namesOf(measuredEntries(summary));
  return html`<section><h2>Two readers of one explanation</h2>
<p class="lead">Explanations that can be run are read twice: exactly, and by a simulator that reads their words. What the exact reading loses is not in the explanations; what the other loses beyond it is misread. On the same positions the three shares sum to 100&nbsp;%.</p>
<div class="scroll" tabindex="0" role="region" aria-label="Two readers of one explanation"><table>
<thead><tr><th scope="col">Run as</th><th scope="col">Read as</th><th scope="col">Not said<small>share of the gap<br>nats/token</small></th><th scope="col">Misread<small>share of the gap<br>nats/token</small></th><th scope="col">Left<small>share of the gap</small></th><th scope="col" class="words">Does the reader lose something?</th></tr></thead>
<tbody>${readers.map((pair) => readersRow(pair, names))}</tbody></table></div></section>`;
}

function readersRow(
  { exact, reader, incomplete, misread, left }: TwoReaders,
  names: ReadonlyMap<string, string>,
): Html {
  return html`<tr><th scope="row"><code>${names.get(exact) ?? exact}</code></th><td><code>${names.get(reader) ?? reader}</code></td>
${lostCell(incomplete)}${lostCell(misread)}${shareCell(left)}
<td class="words">${misreadVerdict(misread)}</td></tr>`;
}

function lostCell({ share, deltaCe }: TwoReaders['incomplete']): Html {
  const loss = deltaCe.mean === null ? NONE : `${signedNats(deltaCe.mean)} ${interval(deltaCe.ci, signedNats)}`;
  if (share.mean === null) return html`<td class="none">${NONE}<small>${share.why}; ${loss}</small></td>`;
  return html`<td>${percent(share.mean)} ${interval(share.ci, percent)}<small>${loss}</small></td>`;
}

function misreadVerdict({ deltaCe, p, equivalence }: TwoReaders['misread']): string {
  if (deltaCe.mean === null) return deltaCe.why;
  if (equivalence?.holds === true) return `no: the same within ${nats(equivalence.margin)} nats/token`;
  if (p >= LEVEL) return `not shown, ${pValue(p)}`;
  return deltaCe.mean > 0 ? `yes, ${pValue(p)}` : `no, it makes more of them than they say, ${pValue(p)}`;
}

/** Which entry simulates which latent best. Nothing where fewer than two explain one. */
export function winnersSection({ examples: { winners }, summary }: ReportData): Html | null {
  if (winners === null) return null;
  const several = summary.hookpoint.includes(' + ');
  const won = [...winners.entries].sort((a, b) => b.wins - a.wins);
  return html`<section><h2>Which explanation wins which latent</h2>
<p class="lead">By the decoded error of each latent: mean squared difference of true and simulated activation, times the squared length of the decoder row. Of ${whole(winners.latents)} latents that at least two entries explain${winners.ties > 0 && `, ${whole(winners.ties)} of them tied`}: ${won.map(({ entry, wins, latents }, i) => html`${i > 0 && '; '}<code>${entry}</code> wins ${whole(wins)} of ${whole(latents)}`)}.</p>
${
  winners.largest.length > 0 &&
  html`<div class="scroll" tabindex="0" role="region" aria-label="Largest differences between entries"><table>
<thead><tr><th scope="col">Latent</th><th scope="col" class="words">Best<small>error as a share of silence’s, F1, tokens</small></th><th scope="col" class="words">Second<small>the same</small></th><th scope="col">Margin<small>decoded error<br>per position</small></th></tr></thead>
<tbody>${winners.largest.map((contest) => contestRow(contest, several))}</tbody></table></div>
<p class="note">The largest differences first, without intervals: being the largest of many, they would be smaller on other text.</p>`
}</section>`;
}

function contestRow({ hookpoint, latent, contenders, margin }: Contest, several: boolean): Html {
  const [best, second] = contenders;
  const cell = (of: Contest['contenders'][number] | undefined): Html | null =>
    of === undefined
      ? null
      : html`<td class="words"><code>${of.entry}</code> ${of.relativeError === null ? NONE : percent(of.relativeError)}, F1 ${score(of.f1)}, ${of.length === null ? NONE : whole(of.length)}<small>${shortText(of.explanation)}</small></td>`;
  return html`<tr><th scope="row">${latent}${several && html` <small>${hookpoint}</small>`}</th>${cell(best)}${cell(second)}<td>${margin.toPrecision(2)}</td></tr>`;
}

const LONGEST_TEXT = 160;

function shortText(text: string | null): string {
  if (text === null) return NONE;
  const letters = [...text];
  return letters.length <= LONGEST_TEXT ? text : `${letters.slice(0, LONGEST_TEXT).join('')}…`;
}

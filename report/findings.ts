import type { Arm, Contrast, ReportData, Share, Summary } from '../eval/index.js';
import { armName, armOfKind, contrastOf, explanationsName, fullControls, fullRewrites, verdict } from './arms.js';
import { interval, nats, percent, percentRange, pValue, signedNats, whole } from './format.js';
import { type Content, type Html, html } from './html.js';

/** Title, the two numbers that matter, and what they mean in words. */
export function header({ summary, manifest }: ReportData): Html {
  const { model, hookpoint, protocol, contexts, positions, partial } = summary;
  const scored = protocol === 'last' ? 'the last token of each' : 'every token of each';
  return html`<header>
<p class="kicker">partial-rewrite</p>
<h1>Can explanations stand in for <code>${hookpoint}</code>?</h1>
<p class="dek">${model} · protocol <em>${protocol}</em>: ${scored} of ${whole(contexts)} contexts, ${whole(positions)} positions · <span class="date">${manifest.startedAt.slice(0, 10)}</span></p>
${partial && html`<p class="warning"><strong>Partial result.</strong> The run ended before its plan did. What is shown covers the contexts that every arm finished.</p>`}
</header>`;
}

export function findings({ summary }: ReportData): Html {
  const rewrites = fullRewrites(summary);
  return html`<section class="findings">
<div class="figures">${gapFigure(summary)}${shareFigure(rewrites)}</div>
${bars(summary, rewrites)}
${rewrites.length > 0 && html`<ul class="verdicts">${rewrites.map((arm) => html`<li>${sentences(summary, arm)}</li>`)}</ul>`}
</section>`;
}

function gapFigure(summary: Summary): Html {
  const { gap } = summary;
  const zero = armOfKind(summary, 'zero-output')?.deltaCe.mean ?? null;
  const coder = armOfKind(summary, 'coder')?.deltaCe.mean ?? null;
  if (gap.mean === null || zero === null || coder === null) {
    const why = gap.mean === null ? gap.why : 'an end of the scale was not measured';
    return html`<div class="figure"><h2>Gap closed by the coder</h2><p class="big none">not to be had</p><p>Reason: ${why}.</p></div>`;
  }
  const closed = zero > 0 ? html`, ${percent(gap.mean / zero)} of it` : null;
  return html`<div class="figure"><h2>Gap closed by the coder</h2>
<p class="big">${nats(gap.mean)} <span class="unit">nats/token</span></p>
<p class="range">95 % interval ${interval(gap.ci, nats)}</p>
<p>Writing zeros in the component’s place costs <b>${signedNats(zero)}</b> nats a token; the coder in its place costs <b>${signedNats(coder)}</b>. The coder closes the gap between the two${closed}. This is the whole that explanations can keep or lose.</p></div>`;
}

function shareFigure(rewrites: readonly Arm[]): Html {
  const best = rewrites.find(({ style }) => style !== null) ?? rewrites[0];
  const title = html`<h2>Share of it that explanations keep</h2>`;
  if (best === undefined)
    return html`<div class="figure">${title}<p class="big none">not measured</p><p>No arm rewrites every latent.</p></div>`;
  const { recovered } = best;
  if (recovered.mean === null) {
    return html`<div class="figure">${title}<p class="big none">not to be had</p><p>${armName(best)}: ${recovered.why}.</p></div>`;
  }
  const worth =
    recovered.mean >= 0
      ? html`keeps <b>${percent(recovered.mean)}</b> of what the coder is worth,`
      : html`keeps nothing of what the coder is worth and loses more than zeros would,`;
  const many = rewrites.filter(({ style }) => style !== null).length > 1;
  return html`<div class="figure accent">${title}
<p class="big">${percent(recovered.mean)}</p>
<p class="range">95 % interval ${percentRange(recovered.ci)}</p>
<p>${many && 'The best of them: '}${many ? 'replacing' : 'Replacing'} the encoder by ${rewriteName(best)} ${worth} with every latent rewritten. Zero-output keeps 0\u00a0% by definition, the coder 100 %.</p></div>`;
}

function rewriteName(arm: Arm): Html {
  if (arm.style === null) return html`<code>${arm.id}</code>`;
  const how = [arm.simulator, arm.calibration === null ? null : `calibration ${arm.calibration}`].filter(
    (part) => part !== null,
  );
  return html`<code>${explanationsName(arm)}</code> explanations${how.length > 0 && ` (${how.join(', ')})`}`;
}

/** One conclusion for each full rewrite: how much it keeps, against nothing, against explanations that are wrong. */
function sentences(summary: Summary, arm: Arm): Html {
  const { recovered } = arm;
  const zero = contrastOf(summary, arm, armOfKind(summary, 'zero-output'));
  return html`<b>${rewriteName(arm)}</b> ${keeps(recovered)} ${zero !== null && againstZero(zero)} ${againstControls(summary, arm)}`;
}

function keeps(recovered: Share): Html {
  if (recovered.mean === null) return html`has no share: ${recovered.why}.`;
  const { mean, ci } = recovered;
  return mean >= 0
    ? html`keeps ${percent(mean)} (${percentRange(ci)}).`
    : html`keeps nothing: its share is ${percent(mean)} (${percentRange(ci)}).`;
}

/** Which controls it beats and which beat it; differences that may be chance are named as such. */
function againstControls(summary: Summary, arm: Arm): Html | null {
  const found = fullControls(summary)
    .map((control) => contrastOf(summary, arm, control))
    .filter((contrast) => contrast !== null);
  const better = found.filter(({ deltaCe }) => deltaCe.ci[1] < 0);
  const worse = found.filter(({ deltaCe }) => deltaCe.ci[0] > 0);
  const open = found.filter((contrast) => !better.includes(contrast) && !worse.includes(contrast));
  const list = (contrasts: readonly Contrast[]): Content =>
    contrasts.map(
      ({ against, deltaCe, p }, i) =>
        html`${i > 0 && ', '}<code>${against}</code> (${signedNats(deltaCe.mean)}, ${pValue(p)})`,
    );
  return html`${better.length > 0 && html`It loses less than ${list(better)}. `}${
    worse.length > 0 && html`It loses more than ${list(worse)}. `
  }${open.length > 0 && html`Not told apart from ${list(open)}.`}`;
}

function againstZero(contrast: Contrast): Html {
  const { deltaCe, p, equivalence } = contrast;
  const found = html`${signedNats(deltaCe.mean)} nats/token ${interval(deltaCe.ci, signedNats)}`;
  const margin = equivalence === null ? null : html`±${nats(equivalence.margin)} nats/token, a tenth of the gap`;
  switch (verdict(contrast)) {
    case 'better':
      return html`It is better than zero-output: ${found}, ${pValue(p)}.`;
    case 'worse':
      return html`It is <strong>worse than zero-output</strong>, that is, than putting nothing there: ${found}, ${pValue(p)}.`;
    case 'equivalent':
      return html`It is <strong>no different from zero-output</strong> within ${margin}: ${found}; two one-sided tests, ${pValue(equivalence?.p ?? 1)}.`;
    case 'undecided':
      return html`It is neither shown to differ from zero-output nor shown to be the same${margin && html` within ${margin}`}: ${found}.`;
  }
}

/** Shares on one scale from zero-output to coder, drawn with boxes so that it reads at any width. */
function bars(summary: Summary, rewrites: readonly Arm[]): Html | null {
  const arms = [...rewrites, ...fullControls(summary)].filter(({ recovered }) => recovered.mean !== null);
  if (arms.length === 0) return null;
  const lows = arms.map(({ recovered }) => (recovered.mean === null ? 0 : recovered.ci[0]));
  const highs = arms.map(({ recovered }) => (recovered.mean === null ? 1 : recovered.ci[1]));
  const from = Math.max(-0.35, Math.min(0, ...lows) - (Math.min(...lows) < 0 ? 0.05 : 0));
  const to = Math.min(1.3, Math.max(1, ...highs));
  const place = (share: number): string =>
    `${Math.min(100, Math.max(0, (100 * (share - from)) / (to - from))).toFixed(2)}%`;
  const ends = `--zero:${place(0)};--one:${place(1)}`;
  return html`<figure class="bars" style="${ends}">
<figcaption>Share of the coder’s worth kept when every latent is rewritten, with 95 % intervals</figcaption>
<div class="scale" aria-hidden="true"><span></span><span class="track"><i class="at-zero">zero-output</i><i class="at-one">coder</i></span><span></span></div>
${arms.map((arm) => bar(arm, from, to, place))}
</figure>`;
}

function bar(arm: Arm, from: number, to: number, place: (share: number) => string): Html | null {
  const { recovered } = arm;
  if (recovered.mean === null) return null;
  const { mean, ci } = recovered;
  const kind = arm.kind === 'simulated' ? (arm.style === null ? 'oracle' : 'simulated') : 'control';
  const beyond = mean < from ? 'off-low' : mean > to ? 'off-high' : '';
  const look = `--mean:${place(mean)};--low:${place(ci[0])};--high:${place(ci[1])}`;
  return html`<div class="bar ${kind} ${beyond}" style="${look}"><span class="name">${armName(arm)}</span>
<span class="track" aria-hidden="true"><i class="fill"></i><i class="whisker"></i><i class="dot"></i></span>
<span class="value">${percent(mean)} ${beyond === '' && html`<small>${percentRange(ci)}</small>`}</span></div>`;
}

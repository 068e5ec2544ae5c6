import type { Scores } from '../../../eval/index.js';
import { plainTable } from '../../table.js';
import type { Prepared } from './prepare.js';

type Group = Scores['scores'][number];
type Measure = Group['mean'];

const ABSENT = '–';
const whole = (value: number): string => value.toLocaleString('en-US');

/** What will be scored, on what, and what that takes, one item a line. */
export function describeScoring({ survey, scored, plan, queries, entries }: Prepared, part: string): string {
  const latents = scored.map(({ drawn: { about } }) => {
    const { explained, firing, scored: some } = about.latents;
    const { firing: active, silent } = about.examples;
    const drawn = whole(active.drawn + silent.drawn);
    const wanted = whole(active.wanted + silent.wanted);
    return (
      `${about.hookpoint}: ${whole(some)} latents of ${whole(firing)} that fire in the ${part} text ` +
      `(${whole(explained)} explained), ${drawn} of ${wanted} examples found in it`
    );
  });
  const asked = entries.flatMap(({ name, index, chosen }) => {
    const count = queries.get(name);
    if (count === undefined) return [];
    const shape = survey.shapes[index]?.id ?? '';
    return [`  ${name}: up to ${whole(count)} queries to ${chosen.reader} (ratings by ${shape})`];
  });
  return [...latents, ...asked, ...plan.notes].join('\n');
}

const fixed = (value: number): string => value.toFixed(2);

function cell(measure: Measure | null | undefined): string {
  if (measure == null || measure.mean === null) return ABSENT;
  return `${fixed(measure.mean)} [${measure.ci.map(fixed).join(', ')}]`;
}

const isOf = (one: Group) => (other: Group) =>
  other.hookpoint === one.hookpoint &&
  other.entry === one.entry &&
  other.score === one.score &&
  other.judge === one.judge;

function scoresTable(groups: readonly Group[]): string {
  const header = [
    'score',
    'explanations',
    'judge',
    'latents',
    'measures',
    'mean',
    'shuffled',
    'above shuffled',
    'chance',
    'missing',
  ];
  const rows = groups
    .filter(({ shown }) => shown !== 'shuffled')
    .map((group) => {
      const control = groups.filter(isOf(group)).find(({ shown }) => shown === 'shuffled');
      const without = Object.values(group.undefined).reduce((sum, count) => sum + count, 0);
      const missing = Object.values(group.missing).reduce((sum, count) => sum + count, 0);
      return [
        `${group.score}@${group.version}`,
        group.entry ?? 'none',
        group.judge,
        whole(group.latents - without),
        group.measures ?? ABSENT,
        cell(group.mean),
        cell(control?.mean),
        cell(group.aboveShuffled),
        fixed(group.chance),
        group.asked === 0 ? ABSENT : `${((100 * missing) / group.asked).toFixed(0)} %`,
      ];
    });
  return plainTable([header, ...rows], 'lllrlrrrrr');
}

/** What more examples mend. */
const FEW = 'too few examples';

/** Latents that have no value, a line for each score: a mean over the others is not of all. */
function withoutValue(groups: readonly Group[]): string | null {
  const lines = groups.flatMap(({ score, entry, shown, judge, latents, undefined: reasons }) => {
    const why = Object.entries(reasons).map(([reason, count]) => `${whole(count)} ${reason}`);
    if (why.length === 0) return [];
    const of = [entry, shown === 'shuffled' ? shown : null, `by ${judge}`].filter((part) => part !== null).join(' ');
    return [`  ${score} ${of}: of ${whole(latents)} latents, ${why.join(', ')}`];
  });
  if (lines.length === 0) return null;
  const few = groups.some((group) => FEW in group.undefined);
  return [
    'Without a value:',
    ...lines,
    ...(few ? ['  Where examples are too few, raise --examples or give more text.'] : []),
  ].join('\n');
}

/** Metrics of ratings token by token, for each entry, beside whether they can tell on these examples. */
function metricsTable({ scores, metricChecks }: Scores, hookpoint: string): string | null {
  const own = scores.filter((each) => each.hookpoint === hookpoint && each.score === 'simulation');
  const named = (group: Group) => (group.shown === 'own' ? group.entry! : `${group.entry} shuffled`);
  if (own.length === 0) return null;
  const isKnown = (metric: string): boolean => metric === 'Pearson' || own.some(({ details }) => metric in details);
  const rows = metricChecks
    .filter((check) => check.hookpoint === hookpoint && isKnown(check.metric))
    .map(({ metric, version, latents, noticesMissingLabels, noticesExtraLabels }) => {
      const means = own.map((group) => {
        const mean = metric === 'Pearson' ? group.mean.mean : (group.details[metric]?.mean ?? null);
        return mean === null ? ABSENT : fixed(mean);
      });
      const tells = (count: number) => `${count} of ${latents}`;
      return [`${metric}@${version}`, ...means, tells(noticesMissingLabels), tells(noticesExtraLabels)];
    });
  const header = ['metric, by token', ...own.map(named), 'notices missing labels', 'notices extra labels'];
  return plainTable([header, ...rows], `l${'r'.repeat(own.length + 2)}`);
}

/** Scores and metrics of each hookpoint, as text. */
export function scoresText(scores: Scores): string {
  const { part, tokens } = scores.text;
  const parts = scores.hookpoints.map(({ hookpoint, latents }) => {
    const groups = scores.scores.filter((each) => each.hookpoint === hookpoint);
    const without = withoutValue(groups);
    const metrics = metricsTable(scores, hookpoint);
    return [
      `${hookpoint}: ${whole(latents.scored)} latents, examples of ${scores.window} tokens from ${whole(tokens)} of ${part} text`,
      scoresTable(groups),
      ...(without === null ? [] : [without]),
      ...(metrics === null ? [] : [metrics]),
    ].join('\n\n');
  });
  const footer =
    'Means over latents with 95 % intervals by bootstrap over these. docs/scores.md says what each score asks.';
  return [...parts, footer].join('\n\n');
}

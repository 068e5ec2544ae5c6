import { dollars } from './money.js';
import type { Plan } from './plan.js';
import { CHARACTERS_PER_TOKEN, type PlannedQueries } from './planned-queries.js';
import { describeWriting } from './writing/planned.js';

const number = (value: number): string => value.toLocaleString('en-US');
const percent = (share: number): string => `${Number((100 * share).toPrecision(2))} %`;

/** Seconds in the unit that people would say them in: 40 s, 12 min, 3.5 h, 2.1 days. */
export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${(seconds / 3600).toFixed(1)} h`;
  return `${(seconds / 86_400).toFixed(1)} days`;
}

function describeCost({ promptTokens, answerTokens, usd }: PlannedQueries): string {
  if (promptTokens === null || answerTokens === null) return 'tokens not known before the explanations are';
  const tokens =
    `about ${number(promptTokens)} prompt tokens at ${CHARACTERS_PER_TOKEN} characters a token, ` +
    `at most ${number(answerTokens)} answer tokens`;
  return usd === null ? tokens : `${tokens}; about ${dollars(usd)}`;
}

function describeTime({ time }: PlannedQueries): string {
  if (time === null) return 'time not known before the first run';
  const { seconds, perSecond, paceIs } = time;
  const pace = `${Number(perSecond.toPrecision(3))} queries/s`;
  return `about ${duration(seconds)} at ${pace}, ${paceIs === 'stated' ? 'as the experiment says' : 'as in the last run'}`;
}

function describeHalfWidth({ halfWidth }: PlannedQueries): string {
  if (halfWidth === null) return '95 % interval of ΔCE not known before a run; a small `budget` buys a first one';
  const { nats, from, fromContexts } = halfWidth;
  return `95 % interval of ΔCE about ± ${nats.toPrecision(2)} nats, by the ${number(fromContexts)} contexts of ${from}`;
}

function describeExhaustive({ share, exhaustiveQueries, exhaustiveUsd }: PlannedQueries): string[] {
  if (share === 1) return [];
  const cost = exhaustiveUsd === null ? '' : `, about ${dollars(exhaustiveUsd)}`;
  return [`    a sample of ${percent(share)}; asking all would take ${number(exhaustiveQueries)} queries${cost}`];
}

function describeQueries(planned: PlannedQueries): string[] {
  const { simulator, latents, latentsAre, positions, ratings, queries, paid, asks } = planned;
  const upTo = latentsAre === 'at most' ? 'at most ' : '';
  const where = `${number(positions.evaluation)} evaluated + ${number(positions.calibration)} calibration positions`;
  const what = `${upTo}${number(ratings)} ratings (${upTo}${number(latents)} latents at ${where})`;
  if (!paid) return [`  ${simulator}: ${what}; computed here`, `    ${describeHalfWidth(planned)}`];
  return [
    `  ${simulator}: ${upTo}${number(queries)} queries for ${what}`,
    ...describeExhaustive(planned),
    `    ${describeCost(planned)}`,
    `    ${describeTime(planned)}`,
    `    ${describeHalfWidth(planned)}`,
    ...(asks?.seesBeyond ? ['    ratings may know of later tokens, which the rewritten model had not read'] : []),
  ];
}

/** The plan in plain words, one item a line. */
export function describePlan(plan: Plan): string {
  const { contexts, positions, protocol, arms, mayAppear, queries, writing } = plan;
  return [
    `${number(contexts)} contexts, ${number(positions)} positions (protocol ${protocol}), ${arms.length} arms`,
    ...writing.map((each) => `  ${describeWriting(each)}`),
    ...queries.flatMap(describeQueries),
    ...mayAppear.map((arm) => `  ${arm} is measured too where some latents get no explanation`),
  ].join('\n');
}

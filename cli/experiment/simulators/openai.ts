import { z } from 'zod';
import { UsageError } from '../../../harness/index.js';
import {
  type Asker,
  alarmText,
  askingSimulator,
  assumedSchema,
  type Expects,
  type Needs,
  OWN_FIELDS,
  openEndpoints,
  openShape,
  type QueryShape,
  readOutIds,
  readOuts,
  readPrompts,
  recordingAsker,
  shapeSchema,
  storedAsker,
} from '../../../replacements/index.js';
import { keepPace } from '../paces.js';
import { watchedAsker } from '../watched-asker.js';
import { publicAddress } from './address.js';
import { type Environment, isOffline, noUsage, type SimulatorNeeds, simulatorKind } from './kind.js';

const KEY = 'OPENAI_API_KEY';

const endpointSchema = z.strictObject({
  baseUrl: z.string(),
  /** Name of the environment variable that holds its key. */
  keyVariable: z.string().default(KEY),
  /** Calls at once, at most. */
  concurrency: z.number().int().positive().optional(),
});

/** A server's own options. They are part of what is asked, and are written to the manifest: no place for a key. */
const extraBodySchema = z.record(z.string(), z.unknown()).check(({ value, issues }) => {
  const own = Object.keys(value).find((name) => OWN_FIELDS.includes(name));
  if (own === undefined) return;
  const message = `\`${own}\` is set by the program; only a server's other options can be given here`;
  issues.push({ code: 'custom', input: value, path: [], message });
});

export const openaiSchema = z.strictObject({
  kind: z.literal('openai'),
  model: z.string(),
  /** Default: the environment's OPENAI_BASE_URL. */
  baseUrl: z.string().optional(),
  /** Several servers of the same model share the load, in place of `baseUrl`. */
  endpoints: z.array(endpointSchema).min(1).optional(),
  /** Calls at once to each endpoint, at most; how many it bears is found out. */
  concurrency: z.number().int().positive().default(64),
  timeoutSeconds: z.number().positive().default(60),
  /** What all endpoints together are taken to answer, for the plan's time; default: what the last run measured. */
  expectedCallsPerSecond: z.number().positive().optional(),
  /** How ratings are put into queries. */
  shape: shapeSchema.default({ kind: 'last-token' }),
  /** How an answer's probabilities become a rating. */
  readOut: z.enum(readOutIds).default('expected'),
  /** Folder with prompt files in place of ours. */
  prompts: z.string().optional(),
  /** Fields that each request gets besides ours, such as `chat_template_kwargs`; answers are stored by them too. */
  extraBody: extraBodySchema.optional(),
  /** What whoever answers a batch file can do, where nobody can probe it. */
  assume: assumedSchema.optional(),
});
export type OpenaiConfig = z.output<typeof openaiSchema>;

function required(environment: Environment, name: string): string {
  const value = environment[name];
  if (value) return value;
  throw new UsageError(
    'NO_ENDPOINT',
    `${name} is not set.`,
    `Set ${name}, or choose a simulator that needs no endpoint.`,
  );
}

/** @throws {UsageError} `NO_ENDPOINT` when an address or key is not set */
export function endpointsOf(
  { baseUrl, endpoints, concurrency, timeoutSeconds }: OpenaiConfig,
  environment: Environment,
) {
  const listed = endpoints ?? [
    { baseUrl: baseUrl ?? required(environment, 'OPENAI_BASE_URL'), keyVariable: KEY, concurrency: undefined },
  ];
  return listed.map((endpoint) => ({
    baseUrl: endpoint.baseUrl,
    apiKey: required(environment, endpoint.keyVariable),
    timeoutMs: timeoutSeconds * 1000,
    concurrency: { ceiling: endpoint.concurrency ?? concurrency },
  }));
}

/** Answers from the store alone, where a run may use no network. */
function openStored(options: Omit<Parameters<typeof storedAsker>[0], 'onAlarm'>, note: (text: string) => void) {
  const asker = storedAsker({ ...options, onAlarm: (alarm) => note(alarmText(alarm)) });
  return {
    asker,
    usage: noUsage,
    async close() {
      if (asker.unanswered === 0) return;
      note(
        `${asker.id}: ${asker.unanswered.toLocaleString('en-US')} questions have no stored answer; their ratings are missing. ` +
          '`partial-rewrite plan <experiment.yaml> --export queries.jsonl` writes them down.',
      );
    },
  };
}

async function openLive(
  config: OpenaiConfig,
  expects: Expects['kind'],
  needs: Needs,
  {
    answers,
    environment,
    seed,
    signal,
    spenderOf,
    prices,
    note,
    planned,
    alsoAsked,
    progress,
    now,
    cache,
  }: SimulatorNeeds,
) {
  const { model, extraBody } = config;
  const asker = await openEndpoints(endpointsOf(config, environment), {
    model,
    store: await answers.open(),
    signal,
    expects: [...new Set([expects, ...(alsoAsked ?? [])])],
    needs,
    ...(extraBody && { extraBody }),
    prices,
    spend: spenderOf(model),
    seed,
    onAlarm: (alarm) => note(alarmText(alarm)),
    onNote: note,
  });
  const watched = watchedAsker(asker, { model, planned, answered: () => asker.usage.answered, progress, now });
  return {
    asker: watched,
    usage: () => {
      const { calls, probeCalls, tokensIn, tokensOut, usd } = asker.usage;
      return { queries: calls - probeCalls, probeCalls, tokensIn, tokensOut, usd };
    },
    async close() {
      await asker.idle();
      watched.end();
      asker.close();
      if (watched.pace !== null) await keepPace(cache, model, watched.pace, now());
    },
  };
}

export const openaiKind = simulatorKind(openaiSchema, (config) => {
  const { model, readOut, extraBody } = config;
  const needs: Needs = readOut === 'argmax' ? 'value' : 'distribution';
  const plain = config.shape.kind === 'last-token' && readOut === 'expected';
  const shape = async () =>
    openShape(config.shape, config.prompts === undefined ? undefined : await readPrompts(config.prompts));
  const asking = (asker: Asker, shaped: QueryShape) =>
    askingSimulator({ asker, shape: shaped, readOut: readOuts[readOut], ...(plain && { id: asker.id }) });
  const assumed = assumedSchema.parse(config.assume ?? {});
  return {
    reader: model,
    paid: true,
    oracle: false,
    expectedPerSecond: config.expectedCallsPerSecond ?? null,
    asks: {
      model,
      shape,
      readOut,
      addresses: (environment) =>
        isOffline(environment) ? [] : endpointsOf(config, environment).map(({ baseUrl }) => publicAddress(baseUrl)),
    },
    exports: {
      model,
      api: assumed.api,
      async simulator(take) {
        const shaped = await shape();
        return asking(recordingAsker({ model, expects: shaped.answers, needs, assumed, extraBody }, take), shaped);
      },
      asker: (take) => recordingAsker({ model, expects: 'digit', needs, assumed, extraBody }, take),
    },
    checkEnvironment: (environment) => void (isOffline(environment) || endpointsOf(config, environment)),
    async open(simulatorNeeds) {
      const { answers, environment, note } = simulatorNeeds;
      const shaped = await shape();
      const { asker, usage, close } = isOffline(environment)
        ? openStored({ model, needs, extraBody, store: await answers.open() }, note)
        : await openLive(config, shaped.answers, needs, simulatorNeeds);
      return { simulator: asking(asker, shaped), asker, usage, close };
    },
  };
});

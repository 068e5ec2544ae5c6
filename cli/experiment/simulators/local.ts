import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { filesOf, openModel, sha256OfFile, UsageError } from '../../../harness/index.js';
import {
  alarmText,
  askingSimulator,
  type LocalAsker,
  localAsker,
  Meter,
  openShape,
  queryKey,
  readOutIds,
  readOuts,
  readPrompts,
  shapeSchema,
  systemClock,
} from '../../../replacements/index.js';
import { contentKey } from '../cache.js';
import { fetched, isOfThisMachine } from '../fetched.js';
import { keepPace } from '../paces.js';
import { type ToldAsker, watchedAsker } from '../watched-asker.js';
import type { SharedAnswers } from './answers.js';
import { FREE, simulatorKind } from './kind.js';
import { localReading } from './local-reading.js';

const schema = z.strictObject({
  kind: z.literal('local'),
  /** A causal language model in ONNX: its folder, or its place on the hub. */
  model: z.string(),
  shape: shapeSchema.default({ kind: 'last-token' }),
  readOut: z.enum(readOutIds).default('expected'),
  /** Folder with prompt files in place of ours. */
  prompts: z.string().optional(),
});

/** @throws {UsageError} `MODEL_NOT_FOUND` for a path that leads nowhere; what the hub has is found out when it is fetched */
function checkThere(name: string): void {
  if (!isOfThisMachine(name) || existsSync(name)) return;
  throw new UsageError(
    'MODEL_NOT_FOUND',
    `There is no ${name}, which a simulator of kind local names.`,
    'Give the folder of a model, or the path of its .onnx file.',
  );
}

/** Files by which a model is spoken to: with others, the same weights give other answers. */
const SPOKEN = ['tokenizer.json', 'tokenizer_config.json', 'chat_template.jinja', 'generation_config.json'];
const spokenBy = (folder: string): string[] =>
  SPOKEN.map((name) => join(folder, name)).filter((file) => existsSync(file));

/** An asker whose answers are kept: a model on this machine costs no money, but minutes. What it is asked is metered. */
function stored(
  asker: LocalAsker,
  model: string,
  answers: Awaited<ReturnType<SharedAnswers['open']>>,
  meter: Meter,
): ToldAsker {
  return {
    id: asker.id,
    progress: (remaining) => meter.progress(remaining),
    ask: (query, signal) =>
      answers.getOrAsk(queryKey(model, query, 'distribution'), async () => {
        meter.count('calls');
        const answer = await asker.ask(query, signal);
        meter.answered();
        return answer;
      }),
  };
}

export const localKind = simulatorKind(schema, ({ model: name, shape, readOut, prompts }) => {
  const shaped = async () => openShape(shape, prompts === undefined ? undefined : await readPrompts(prompts));
  return {
    ...FREE,
    reader: name,
    // Every rating takes a forward pass.
    paid: true,
    oracle: false,
    asks: { model: name, shape: shaped, readOut, addresses: () => [] },
    readsTexts: true,
    checkEnvironment: () => checkThere(name),
    async open(needs) {
      const { path } = await fetched(name, 'model', needs);
      const model = openModel(path, { threads: needs.threads });
      try {
        const asker = await localAsker({
          model,
          onAlarm: (alarm) => needs.note(`local:${model.name}: ${alarmText(alarm)}`),
        });
        for (const note of asker.notes) needs.note(`${asker.id}: ${note}`);
        const files = [...filesOf(model.parts.original), ...spokenBy(model.folder)];
        const identity = contentKey('local model@3', await Promise.all(files.map(sha256OfFile)));
        const [answers, meter] = [await needs.answers.open(), new Meter(null, systemClock)];
        const watched = watchedAsker(stored(asker, identity, answers, meter), {
          model: model.name,
          planned: needs.planned,
          answered: () => meter.usage.answered,
          progress: needs.progress,
          now: needs.now,
        });
        const reading = localReading(model, {
          id: asker.id,
          kept: { model: identity, store: answers.surprisals },
          meter,
          onAnswer: (question) => watched.saw(question),
        });
        const plain = shape.kind === 'last-token' && readOut === 'expected';
        return {
          simulator: askingSimulator({
            asker: watched,
            shape: await shaped(),
            readOut: readOuts[readOut],
            ...(plain && { id: asker.id }),
          }),
          asker: watched,
          surprised: reading.judge,
          usage: () => {
            const { queries, tokensIn, tokensOut } = asker.usage;
            const { texts, tokens } = reading.usage;
            return { queries: queries + texts, probeCalls: 0, tokensIn: tokensIn + tokens, tokensOut, usd: 0 };
          },
          async close() {
            watched.end();
            await reading.dispose();
            // The pace of ratings, which estimates of runs are made of, is not that of whole texts.
            if (watched.pace !== null && reading.usage.texts === 0)
              await keepPace(needs.cache, name, watched.pace, needs.now());
            await asker.dispose();
            await model.dispose();
          },
        };
      } catch (error) {
        await model.dispose();
        throw error;
      }
    },
  };
});

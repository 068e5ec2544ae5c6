import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import {
  filesOf,
  type Model,
  openModel,
  openTextLosses,
  sha256OfFile,
  type TextLosses,
} from '../../../harness/index.js';
import {
  alarmText,
  askingSimulator,
  type Judge,
  type LocalAsker,
  languageModelJudge,
  localAsker,
  openShape,
  queryKey,
  readOutIds,
  readOuts,
  readPrompts,
  shapeSchema,
} from '../../../replacements/index.js';
import { contentKey } from '../cache.js';
import { fetched } from '../fetched.js';
import { keepPace } from '../paces.js';
import { type ToldAsker, watchedAsker } from '../watched-asker.js';
import type { SharedAnswers } from './answers.js';
import { FREE, simulatorKind } from './kind.js';

const schema = z.strictObject({
  kind: z.literal('local'),
  /** A causal language model in ONNX: its folder, or its place on the hub. */
  model: z.string(),
  shape: shapeSchema.default({ kind: 'last-token' }),
  readOut: z.enum(readOutIds).default('expected'),
  /** Folder with prompt files in place of ours. */
  prompts: z.string().optional(),
});

/** Files by which a model is spoken to: with others, the same weights give other answers. */
const SPOKEN = ['tokenizer.json', 'tokenizer_config.json', 'chat_template.jinja', 'generation_config.json'];
const spokenBy = (folder: string): string[] =>
  SPOKEN.map((name) => join(folder, name)).filter((file) => existsSync(file));

/** An asker whose answers are kept: a model on this machine costs no money, but minutes. */
function stored(asker: LocalAsker, model: string, answers: Awaited<ReturnType<SharedAnswers['open']>>): ToldAsker {
  return {
    id: asker.id,
    progress: (remaining) => asker.progress(remaining),
    ask: (query, signal) => answers.getOrAsk(queryKey(model, query, 'distribution'), () => asker.ask(query, signal)),
  };
}

/** The model as a reader of texts, opened when it is first asked. */
function surprisedBy(model: Model, id: string): { readonly judge: Judge; readonly dispose: () => Promise<void> } {
  let opened: Promise<TextLosses> | undefined;
  const open = (): Promise<TextLosses> => {
    opened ??= openTextLosses(model);
    return opened;
  };
  return {
    judge: {
      id,
      async surprisal(question, signal) {
        const [losses, tokenizer] = [await open(), await model.tokenizer()];
        return languageModelJudge(losses, tokenizer, { id }).surprisal(question, signal);
      },
    },
    async dispose() {
      if (opened !== undefined) await (await opened).dispose();
    },
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
        const watched = watchedAsker(stored(asker, identity, await needs.answers.open()), {
          model: model.name,
          planned: needs.planned,
          answered: () => asker.usage.queries,
          progress: needs.progress,
          now: needs.now,
        });
        const reading = surprisedBy(model, asker.id);
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
            return { queries, probeCalls: 0, tokensIn, tokensOut, usd: 0 };
          },
          async close() {
            watched.end();
            await reading.dispose();
            if (watched.pace !== null) await keepPace(needs.cache, name, watched.pace, needs.now());
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

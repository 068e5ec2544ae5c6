import { type Model, openLanguageModel, type ReadingOptions, UsageError } from '../../../harness/index.js';
import { ANY_MESSAGES, openChatPrompt } from '../local/chat-prompt.js';
import { readGenerationConfig } from '../local/generation-config.js';
import { scalesOf } from '../local/values.js';
import { type ChatRequest, readChatRequest } from './chat-request.js';
import { type Completion, completionBody } from './completion.js';
import { generator, speller } from './generate.js';
import { type GenerateList, listGenerator } from './generate-list.js';
import { errorReply, isRefusal, type Reply, RequestRefused } from './refusal.js';

export interface ChatServiceOptions extends ReadingOptions {
  /** Opened by the harness; it stays open when the service is disposed of. */
  readonly model: Model;
  readonly now: () => Date;
  /** Told of what is neither the request's fault nor the model's. */
  readonly onFailure?: (error: unknown) => void;
}

/** A model behind OpenAI's protocol, whoever carries requests and answers. */
export interface ChatService {
  /** What requests name it by. */
  readonly model: string;
  /** What a user should know of it; one line each. */
  readonly notes: readonly string[];
  /** Requests that were answered so far, and tokens of prompts that did not have to be read again. */
  readonly usage: { readonly answered: number; readonly tokensReused: number };
  /** `POST /v1/chat/completions`. Throws nothing but the signal's reason. */
  complete(body: unknown, signal: AbortSignal): Promise<Reply>;
  /** `GET /v1/models`. */
  models(): Reply;
  /** `GET /v1/models/{name}`. @throws {RequestRefused} 404 */
  modelOf(name: string): Reply;
  dispose(): Promise<void>;
}

/** Lists of ratings, or why there are none. */
type Lists = { readonly generate: GenerateList } | { readonly why: string };

/**
 * A causal language model of this machine that answers chat completions: greedily, with logprobs, one answer a request,
 * freely or held to a list of ratings. Requests that are under way together are read side by side; what prompts share is
 * read once and kept for those that come. Probabilities are the model's own, and those that `kind: local` reads.
 *
 * What cannot be done as it is asked for is refused in OpenAI's form of an error, and nothing is cut off: no option, no
 * text, no part of a prompt.
 * @throws {UsageError} from the tokenizer, the chat template, the generation config and the model
 */
export async function openChatService(options: ChatServiceOptions): Promise<ChatService> {
  const { model, now, onFailure, ...reading } = options;
  const tokenizer = await model.tokenizer();
  const prompt = await openChatPrompt(model.folder, tokenizer, model.contextLength);
  const { mostTokens, ends } = await readGenerationConfig(model.folder);
  const lm = await openLanguageModel(model, reading);
  const spell = speller(tokenizer);
  const generate = generator(lm, spell, new Set([...ends, ...(tokenizer.eos === null ? [] : [tokenizer.eos])]));
  const lists = openLists();
  const entry = { id: model.name, object: 'model', created: 0, owned_by: 'local', max_model_len: model.contextLength };
  let answered = 0;

  function openLists(): Lists {
    if (mostTokens === 1) return { why: 'the model answers with one token' };
    try {
      const scales = scalesOf(tokenizer, model.vocabulary, prompt.render(ANY_MESSAGES));
      return { generate: listGenerator(lm, scales) };
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      return { why: error.message.split('\n')[0]! };
    }
  }

  /** Tokens that an answer may have: what was asked for, what the model was made for, what there is room for. */
  function mostOf({ maxTokens }: ChatRequest, row: Int32Array): number {
    // One more than what is read behind the prompt: the last is only said.
    const room = model.contextLength === null ? DEFAULT_TOKENS : Math.max(1, model.contextLength - row.length + 1);
    return Math.min(maxTokens ?? room, mostTokens ?? Number.POSITIVE_INFINITY);
  }

  async function answer(request: ChatRequest, signal: AbortSignal): Promise<Completion> {
    const row = prompt.encode(request.messages);
    const most = mostOf(request, row);
    const { tokens, finish } =
      request.ratings === null
        ? await generate(row, most, signal)
        : await listBy(lists, request.ratings, most).generate(row, request.ratings, signal);
    return { tokens, finish, promptTokens: row.length, answerTokens: tokens.length };
  }

  return {
    model: model.name,
    notes: [
      prompt.kind === 'plain'
        ? 'no chat template: messages are put together as plain text'
        : "messages are written by the model's chat template",
      ...(mostTokens === null
        ? []
        : [
            `answers have at most ${mostTokens} ${mostTokens === 1 ? 'token' : 'tokens'}, as its generation_config.json says`,
          ]),
      ...('why' in lists ? [`answers cannot be held to a list of ratings: ${lists.why}`] : []),
      ...(lm.reuse.available ? [] : [`prompts are read from their first token: ${lm.reuse.why}`]),
      ...(lm.batching.available ? [] : [`requests are read one after another: ${lm.batching.why}`]),
    ],
    get usage() {
      return { answered, tokensReused: lm.work.reused };
    },
    async complete(body, signal) {
      try {
        const request = readChatRequest(body);
        if (request.model !== model.name) throw unknownModel(request.model, model.name);
        const completion = await answer(request, signal);
        const id = `chatcmpl-${++answered}`;
        const created = Math.floor(now().getTime() / 1000);
        return { status: 200, body: completionBody(completion, { ...request, id, created }) };
      } catch (error) {
        signal.throwIfAborted();
        if (!isRefusal(error)) onFailure?.(error);
        return errorReply(error);
      }
    },
    models: () => ({ status: 200, body: { object: 'list', data: [entry] } }),
    modelOf(name) {
      if (name !== model.name) throw unknownModel(name, model.name);
      return { status: 200, body: entry };
    },
    dispose: () => lm.dispose(),
  };
}

/** The limit of an answer where neither a request nor a context says one. */
const DEFAULT_TOKENS = 256;

function unknownModel(asked: string, served: string): RequestRefused {
  const message = `The model \`${asked}\` does not exist here; this server has \`${served}\`.`;
  return new RequestRefused(404, 'model_not_found', message, 'model');
}

/** @throws {RequestRefused} where the model can give no list, or none so long */
function listBy(lists: Lists, count: number, most: number): GenerateList {
  if ('why' in lists) {
    const message = `Answers of this model cannot be held to a list of ratings: ${lists.why}.`;
    throw new RequestRefused(400, 'unsupported_value', message, 'response_format');
  }
  const needed = lists.generate.tokensOf(count);
  if (needed <= most) return lists.generate;
  const message = `A list of ${count} ratings takes ${needed} tokens, and the answer may have ${most}.`;
  throw new RequestRefused(400, 'invalid_value', message, 'max_tokens');
}

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a chat endpoint may do. `digits` answers with this distribution over tokens, the likeliest first. */
export type Behaviour =
  | { readonly kind: 'digits'; readonly probabilities: Readonly<Record<string, number>>; readonly next?: string }
  | { readonly kind: 'prose'; readonly text: string }
  | { readonly kind: 'no logprobs' }
  | { readonly kind: 'refusal' }
  | { readonly kind: 'status'; readonly status: number; readonly code?: string; readonly message?: string }
  | { readonly kind: 'slow'; readonly milliseconds: number; readonly answer: Behaviour }
  | { readonly kind: 'hang' }
  | { readonly kind: 'truncated' };

/** A request as it arrived. */
export interface Received {
  readonly model: string;
  readonly messages: readonly { readonly role: string; readonly content: string }[];
  readonly authorization: string;
}

/** An OpenAI-compatible endpoint on loopback that misbehaves on demand. */
export interface FaultServer extends AsyncDisposable {
  readonly url: string;
  readonly received: readonly Received[];
}

const top = (probabilities: Readonly<Record<string, number>>): { token: string; logprob: number }[] =>
  Object.entries(probabilities).map(([token, p]) => ({ token, logprob: Math.log(p) }));

function completion(content: string | null, logprobs: unknown, refusal: string | null = null): object {
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 0,
    model: 'test',
    choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content, refusal }, logprobs }],
    usage: { prompt_tokens: 100, completion_tokens: 1, total_tokens: 101 },
  };
}

function answer(behaviour: Exclude<Behaviour, { kind: 'slow' | 'hang' | 'truncated' | 'status' }>): object {
  switch (behaviour.kind) {
    case 'digits': {
      const [likeliest] = Object.keys(behaviour.probabilities);
      const tokens = [{ token: likeliest!, top_logprobs: top(behaviour.probabilities) }];
      if (behaviour.next !== undefined) tokens.push({ token: behaviour.next, top_logprobs: [] });
      return completion(likeliest!, { content: tokens });
    }
    case 'prose':
      return completion(behaviour.text, {
        content: [{ token: behaviour.text, top_logprobs: top({ [behaviour.text]: 0.95, '3': 0.01 }) }],
      });
    case 'no logprobs':
      return completion('7', null);
    case 'refusal':
      return completion(null, null, 'I cannot help with that.');
  }
}

async function read(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  return body;
}

function respond(response: ServerResponse, behaviour: Behaviour): void {
  if (behaviour.kind === 'hang') return;
  if (behaviour.kind === 'slow') {
    setTimeout(() => respond(response, behaviour.answer), behaviour.milliseconds);
    return;
  }
  if (behaviour.kind === 'status') {
    const { status, code = null, message = 'no' } = behaviour;
    // Tells the client not to wait, so that tests of retries are quick.
    response.writeHead(status, { 'content-type': 'application/json', 'retry-after-ms': '1' });
    response.end(JSON.stringify({ error: { message, code, type: 'error', param: null } }));
    return;
  }
  response.writeHead(200, { 'content-type': 'application/json' });
  if (behaviour.kind === 'truncated') response.end('{"choices": [{"index": 0, "mess');
  else response.end(JSON.stringify(answer(behaviour)));
}

/** Starts the endpoint. @param behave what to do with the nth request (from 0), given its content */
export async function startFaultServer(
  behave: (request: number, received: Received) => Behaviour,
): Promise<FaultServer> {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    const body: Pick<Received, 'model' | 'messages'> = JSON.parse(await read(request));
    const entry = { ...body, authorization: request.headers.authorization ?? '' };
    received.push(entry);
    respond(response, behave(received.length - 1, entry));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${address.port}/v1`,
    received,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

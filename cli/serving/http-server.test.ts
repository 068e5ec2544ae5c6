import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ChatService, RequestRefused } from '../../replacements/index.js';
import { type Listening, serveChat } from './http-server.js';

/** A service without a model: it gives back what it was asked, and answers `wait` only when it is told to stop. */
function echo() {
  const seen = { underWay: 0, told: 0 };
  const service: ChatService = {
    model: 'echo',
    notes: [],
    usage: { answered: 0, tokensReused: 0 },
    async complete(body, signal) {
      if (body !== 'wait') return { status: 200, body: { echo: body } };
      seen.underWay++;
      await once(signal, 'abort');
      seen.told++;
      throw signal.reason;
    },
    models: () => ({ status: 200, body: { data: [{ id: 'echo' }] } }),
    modelOf(name) {
      if (name !== 'echo') throw new RequestRefused(404, 'model_not_found', `no ${name}`, 'model');
      return { status: 200, body: { id: name } };
    },
    dispose: async () => {},
  };
  return { seen, service };
}

const listen = (service: ChatService) => serveChat(service, { host: '127.0.0.1', port: 0 });
const JSON_TYPE = { 'content-type': 'application/json' };
const until = async (done: () => boolean): Promise<void> => {
  while (!done()) await new Promise((resolve) => setTimeout(resolve, 5));
};

let server: Listening;
const { seen, service } = echo();
beforeAll(async () => {
  server = await listen(service);
});
afterAll(() => server.close());
const post = (
  body: NonNullable<RequestInit['body']>,
  headers: Record<string, string> = JSON_TYPE,
  path = '/chat/completions',
) => fetch(`${server.url}${path}`, { method: 'POST', body, headers });

describe('a request', () => {
  it.each([
    ['plain', JSON_TYPE],
    ['with its charset', { 'content-type': 'Application/JSON; charset="UTF-8"' }],
  ])('is read, %s', async (_, headers) => {
    const response = await post('{"text": "a 🐈"}', headers);
    expect([response.status, await response.json()]).toEqual([200, { echo: { text: 'a 🐈' } }]);
  });

  it.each<[string, () => Promise<Response>, number, RegExp]>([
    ['a path that is none', () => post('{}', JSON_TYPE, '/completions'), 404, /There are \/v1\/chat\/completions, /],
    ['a model that is none', () => fetch(`${server.url}/models/gpt-4o`), 404, /no gpt-4o/],
    ['a name that no path can spell', () => fetch(`${server.url}/models/%E0%A4%A`), 404, /nothing at/],
    ['another method', () => fetch(`${server.url}/models`, { method: 'DELETE' }), 405, /takes GET, HEAD, not DELETE/],
    ['a body that is torn', () => post('{"model": '), 400, /no JSON in UTF-8/],
    ['no body', () => post(''), 400, /no JSON/],
    ['torn letters', () => post(Uint8Array.of(0x22, 0xff, 0x22)), 400, /no JSON in UTF-8/],
    ['letters of another kind', () => post('{}', { 'content-type': 'application/json; charset=utf-16' }), 415, /UTF-8/],
    ['a packed body', () => post('{}', { ...JSON_TYPE, 'content-encoding': 'gzip' }), 415, /gzip` is not read/],
    ['a form', () => post('a=b', { 'content-type': 'application/x-www-form-urlencoded' }), 415, /application\/json/],
    ['a type that only begins like it', () => post('{}', { 'content-type': 'application/json-seq' }), 415, /json/],
    ['a body that is too large', () => post(' '.repeat(2 ** 22 + 1)), 413, /4194304 bytes/],
  ])('is refused for %s, in the form of the API', async (_, ask, status, message) => {
    const response = await ask();
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({
      error: { type: 'invalid_request_error', message: expect.stringMatching(message) },
    });
  });

  it('finds the model by its name', async () => {
    expect(await (await fetch(`${server.url}/models/echo`)).json()).toEqual({ id: 'echo' });
    const head = await fetch(`${server.url}/models`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
  });

  it('of a client that leaves is ended, and the others go on', async () => {
    const [before, leaving] = [seen.told, new AbortController()];
    const left = fetch(`${server.url}/chat/completions`, {
      method: 'POST',
      body: '"wait"',
      headers: JSON_TYPE,
      signal: leaving.signal,
    });
    await until(() => seen.underWay === before + 1);
    leaving.abort();
    await expect(left).rejects.toThrow();
    await until(() => seen.told === before + 1);
    expect((await post('1')).status).toBe(200);
  });
});

describe('a server that is stopped', () => {
  it('tells those who wait, and listens no more', async () => {
    const { seen: own, service: slow } = echo();
    const stopped = await listen(slow);
    const waiting = Array.from({ length: 3 }, () =>
      fetch(`${stopped.url}/chat/completions`, { method: 'POST', body: '"wait"', headers: JSON_TYPE }),
    );
    await until(() => own.underWay === 3);
    await stopped.close();
    for (const response of await Promise.all(waiting)) {
      expect(response.status).toBe(503);
      expect(await response.json()).toMatchObject({ error: { type: 'server_error', code: 'stopping' } });
    }
    await expect(fetch(`${stopped.url}/models`)).rejects.toThrow();
  });

  it('does not wait for a body that never comes whole', async () => {
    const stopped = await listen(echo().service);
    const socket = connect(Number(new URL(stopped.url).port), '127.0.0.1');
    socket.on('error', () => {});
    await once(socket, 'connect');
    const gone = once(socket, 'close');
    socket.write(
      'POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{',
    );
    await stopped.close();
    await gone;
  });
});

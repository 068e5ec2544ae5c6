import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { UsageError } from '../../harness/index.js';
import { type ChatService, errorReply, type Reply, RequestRefused } from '../../replacements/index.js';

/** Far more text than any context holds. */
const MOST_BYTES = 2 ** 22;
/** How long requests that are under way may take to be told that the server stops. */
const GRACE_MS = 1000;

/** A server that listens. */
export interface Listening {
  /** The address that clients are given, ending in `/v1`. */
  readonly url: string;
  /** Ends requests under way, and resolves when no connection is left. */
  close(): Promise<void>;
}

/** @throws {RequestRefused} 415 for a body that is no plain JSON in UTF-8 by what its headers say */
function checkHeaders({ headers }: IncomingMessage): void {
  const unsupported = (message: string) => new RequestRefused(415, 'unsupported_media_type', message);
  const [type = '', ...parameters] = (headers['content-type'] ?? '').toLowerCase().split(';');
  // Pages of other sites can send forms to this machine, but not this type.
  if (type.trim() !== 'application/json') throw unsupported('Send `content-type: application/json`.');
  const charset = parameters.map((each) => each.trim()).find((each) => each.startsWith('charset='));
  if (charset !== undefined && !/^charset="?utf-?8"?$/.test(charset))
    throw unsupported(`Send UTF-8, not \`${charset}\`.`);
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity')
    throw unsupported(`Send the body as it is: \`content-encoding: ${encoding}\` is not read.`);
}

/** @throws {RequestRefused} for what is no JSON, or more than is taken */
async function readJson(request: IncomingMessage): Promise<unknown> {
  checkHeaders(request);
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request) {
    const data = Buffer.from(part);
    bytes += data.length;
    if (bytes > MOST_BYTES) {
      throw new RequestRefused(413, 'request_too_large', `A request may have ${MOST_BYTES} bytes at most.`);
    }
    parts.push(data);
  }
  try {
    // Torn letters are refused: replaced, they would be another text.
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(parts)));
  } catch {
    throw new RequestRefused(400, 'invalid_json', 'The body is no JSON in UTF-8.');
  }
}

type Handler = (request: IncomingMessage, signal: AbortSignal) => Reply | Promise<Reply>;
type Methods = Readonly<Record<string, Handler>>;

const COMPLETIONS = '/v1/chat/completions';
const MODELS = '/v1/models';
const HEALTH = '/health';
const KNOWN = [COMPLETIONS, MODELS, `${MODELS}/{name}`, HEALTH].join(', ');

/** What can be done at a path, by method; `null` where there is nothing. */
function methodsAt(path: string, service: ChatService): Methods | null {
  switch (path) {
    case COMPLETIONS:
      return { POST: async (request, signal) => service.complete(await readJson(request), signal) };
    case MODELS:
      return readOnly(() => service.models());
    case HEALTH:
      return readOnly(() => ({ status: 200, body: { status: 'ok', model: service.model } }));
  }
  const name = path.startsWith(`${MODELS}/`) ? unescaped(path.slice(MODELS.length + 1)) : null;
  return name === null ? null : readOnly(() => service.modelOf(name));
}

const readOnly = (handler: Handler): Methods => ({ GET: handler, HEAD: handler });

/** A name as it stands in a path; `null` for what is none. */
function unescaped(text: string): string | null {
  try {
    return decodeURIComponent(text) || null;
  } catch {
    return null;
  }
}

function handlerOf(service: ChatService, { url = '/', method = 'GET' }: IncomingMessage): Handler {
  const path = url.split('?', 1)[0]!;
  const methods = methodsAt(path, service);
  if (methods === null) {
    throw new RequestRefused(404, 'not_found', `There is nothing at ${path}. There are ${KNOWN}.`);
  }
  const handler = Object.hasOwn(methods, method) ? methods[method] : undefined;
  if (handler !== undefined) return handler;
  const known = Object.keys(methods).join(', ');
  throw new RequestRefused(405, 'method_not_allowed', `${path} takes ${known}, not ${method}.`);
}

async function answer(
  service: ChatService,
  request: IncomingMessage,
  response: ServerResponse,
  stop: AbortSignal,
): Promise<void> {
  const left = new AbortController();
  response.once('close', () => left.abort(new Error('the client left')));
  const reply = await (async (): Promise<Reply> => {
    try {
      const signal = AbortSignal.any([left.signal, stop]);
      return await handlerOf(service, request)(request, signal);
    } catch (error) {
      if (stop.aborted) return errorReply(new RequestRefused(503, 'stopping', 'The server is being stopped.'));
      return errorReply(error);
    }
  })();
  if (left.signal.aborted) return;
  const body = JSON.stringify(reply.body);
  response.writeHead(reply.status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    // What is left unread of a refused body would be taken for the next request, and a server that stops takes none.
    ...(request.complete && !stop.aborted ? {} : { connection: 'close' }),
  });
  // Of HEAD, Node sends no body.
  response.end(body);
}

/** Why a server cannot listen where it was told to. */
const REFUSED: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is taken by another program',
  EACCES: 'may not be used by this user',
  EADDRNOTAVAIL: 'is no address of this machine',
  ENOTFOUND: 'is no address of this machine',
};

const errno = (error: Error): string => ('code' in error ? String(error.code) : '');

async function listen(server: Server, host: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      const why = REFUSED[errno(error)];
      if (why === undefined) return reject(error);
      const found = `${host}:${port} ${why}.`;
      reject(new UsageError('CANNOT_LISTEN', found, 'Choose another with --port and --host.', { cause: error }));
    });
    server.listen(port, host, resolve);
  });
}

/**
 * Puts a chat service on HTTP: `/v1/chat/completions`, `/v1/models`, `/health`. Each answer is JSON; a client that leaves
 * ends its request.
 * @param port 0 takes any that is free
 * @throws {UsageError} `CANNOT_LISTEN`
 */
export async function serveChat(
  service: ChatService,
  { host, port }: { host: string; port: number },
): Promise<Listening> {
  const stop = new AbortController();
  const server = createServer((request, response) => void answer(service, request, response, stop.signal));
  await listen(server, host, port);
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new TypeError('a server on a port has no port');
  return {
    url: `http://${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}/v1`,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      stop.abort(new Error('the server stops'));
      server.closeIdleConnections();
      await Promise.race([closed, wait(GRACE_MS, undefined, { ref: false })]);
      server.closeAllConnections();
      await closed;
    },
  };
}

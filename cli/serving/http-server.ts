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

/** @throws {RequestRefused} for what is no JSON, or more than is taken */
async function readJson(request: IncomingMessage): Promise<unknown> {
  // Pages of other sites can send forms to this machine, but not this type.
  if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
    throw new RequestRefused(415, 'unsupported_media_type', 'Send `content-type: application/json`.');
  }
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
    return JSON.parse(Buffer.concat(parts).toString('utf8'));
  } catch {
    throw new RequestRefused(400, 'invalid_json', 'The body is no JSON.');
  }
}

type Handler = (request: IncomingMessage, signal: AbortSignal) => Reply | Promise<Reply>;

/** What there is, by path and method. */
function routesOf(service: ChatService): Readonly<Record<string, Readonly<Record<string, Handler>>>> {
  return {
    '/v1/chat/completions': {
      POST: async (request, signal) => service.complete(await readJson(request), signal),
    },
    '/v1/models': { GET: () => service.models() },
    '/health': { GET: () => ({ status: 200, body: { status: 'ok', model: service.model } }) },
  };
}

function handlerOf(service: ChatService, { url = '/', method = 'GET' }: IncomingMessage): Handler {
  const routes = routesOf(service);
  const path = url.split('?', 1)[0]!;
  const methods = Object.hasOwn(routes, path) ? routes[path]! : null;
  if (methods === null) {
    const known = Object.keys(routes).join(', ');
    throw new RequestRefused(404, 'not_found', `There is nothing at ${path}. There are ${known}.`);
  }
  const handler = Object.hasOwn(methods, method) ? methods[method] : undefined;
  if (handler !== undefined) return handler;
  throw new RequestRefused(
    405,
    'method_not_allowed',
    `${path} takes ${Object.keys(methods).join(', ')}, not ${method}.`,
  );
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
    // What is left unread of a refused body would be taken for the next request.
    ...(request.complete ? {} : { connection: 'close' }),
  });
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

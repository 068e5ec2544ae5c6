import { join } from 'node:path';
import { type Behaviour, type Received, startFaultServer } from '../../replacements/testing.js';
import { main } from '../dispatch.js';
import { fakeIo } from './io.js';

/** What an endpoint does with the nth request, from 0. */
export type Behave = (request: number, received: Received) => Behaviour;

/** Runs a command whose every question is confirmed, against an endpoint of its own, with a cache in `folder`. */
export async function commandAgainst(behave: Behave, folder: string, args: readonly string[]) {
  await using server = await startFaultServer(behave);
  const environment = {
    PARTIAL_REWRITE_CACHE: join(folder, 'cache'),
    OPENAI_BASE_URL: server.url,
    OPENAI_API_KEY: 'secret',
  };
  const io = fakeIo(environment, { answer: true });
  const exit = await main(args, io);
  return { exit, noted: io.noted.join('\n'), confirmed: io.asked, received: server.received, counts: server.counts };
}

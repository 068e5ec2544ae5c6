import { once } from 'node:events';
import { openModel } from '../../harness/index.js';
import { openChatService } from '../../replacements/index.js';
import { parseArguments, wholeFlag } from '../arguments.js';
import { fetched } from '../experiment/fetched.js';
import { type Command, EXIT } from '../io.js';
import { serveChat } from '../serving/http-server.js';

const usage = 'partial-rewrite serve-simulator <model> [--port 8000] [--host 127.0.0.1]';

/** Addresses that only this machine can reach. */
const isLoopback = (host: string): boolean => /^(localhost|127(\.\d+){3}|::1)$/.test(host);

export const serveSimulator: Command = {
  usage,
  summary: "put a model of this machine behind OpenAI's protocol: chat completions with logprobs, until Ctrl-C",
  async run(args, io) {
    const options = { port: { type: 'string' }, host: { type: 'string', default: '127.0.0.1' } } as const;
    const { values, positionals } = parseArguments(args, options, ['model folder'], usage);
    const port = wholeFlag(values.port, 'port', { least: 0, most: 65_535, fallback: 8000, usage });
    const { path } = await fetched(positionals[0]!, 'model', io);
    const model = openModel(path, { threads: io.threads });
    try {
      const service = await openChatService({
        model,
        now: io.now,
        onFailure: (error) => io.note(error instanceof Error ? (error.stack ?? error.message) : String(error)),
      });
      try {
        for (const note of service.notes) io.note(`${service.model}: ${note}`);
        if (!isLoopback(values.host)) io.note(`Whoever reaches ${values.host} can ask it: there is no key.`);
        const { url, close } = await serveChat(service, { host: values.host, port });
        io.print(url);
        io.note(`Serving ${service.model}. OPENAI_BASE_URL=${url}, any OPENAI_API_KEY; Ctrl-C ends it.`);
        if (!io.signal.aborted) await once(io.signal, 'abort');
        await close();
        io.note(`${service.usage.answered.toLocaleString('en-US')} requests answered.`);
        return EXIT.done;
      } finally {
        await service.dispose();
      }
    } finally {
      await model.dispose();
    }
  },
};

import { z } from 'zod';
import { UsageError } from '../../../harness/index.js';
import { openai } from '../../../replacements/index.js';
import { type Environment, simulatorKind } from './kind.js';

const schema = z.strictObject({
  kind: z.literal('openai'),
  model: z.string(),
  /** Default: the environment's OPENAI_BASE_URL. */
  baseUrl: z.string().optional(),
  concurrency: z.number().int().positive().default(16),
  timeoutSeconds: z.number().positive().default(60),
});

function required(environment: Environment, name: string): string {
  const value = environment[name];
  if (value) return value;
  throw new UsageError(
    'NO_ENDPOINT',
    `${name} is not set.`,
    `Set ${name}, or choose a simulator that needs no endpoint.`,
  );
}

export const openaiKind = simulatorKind(schema, ({ model, baseUrl, concurrency, timeoutSeconds }) => {
  const endpoint = (environment: Environment) => ({
    baseUrl: baseUrl ?? required(environment, 'OPENAI_BASE_URL'),
    apiKey: required(environment, 'OPENAI_API_KEY'),
  });
  return {
    reader: model,
    paid: true,
    oracle: false,
    checkEnvironment: (environment) => void endpoint(environment),
    async open({ answers, environment }) {
      const options = { ...endpoint(environment), model, concurrency, timeoutMs: timeoutSeconds * 1000 };
      const client = openai({ ...options, store: await answers.open() });
      return {
        simulator: client,
        usage: () => {
          const { queries, promptTokens, completionTokens } = client.usage;
          return { queries, tokensIn: promptTokens, tokensOut: completionTokens };
        },
      };
    },
  };
});

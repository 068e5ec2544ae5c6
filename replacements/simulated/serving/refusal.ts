import { UsageError } from '../../../harness/index.js';

/** The JSON of an answer, and its HTTP status. */
export interface Reply {
  readonly status: number;
  readonly body: object;
}

/** Why a request gets no answer, in the form that OpenAI's API has. */
export class RequestRefused extends Error {
  /** @param param the field at fault; `null` where it is none alone */
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly param: string | null = null,
  ) {
    super(message);
    this.name = 'RequestRefused';
  }
}

/** Clients know this one by OpenAI's name. */
const CODES: Readonly<Record<string, string>> = { PROMPT_TOO_LONG: 'context_length_exceeded' };
/** What is wrong with the model, whoever asks. */
const OF_MODEL: readonly string[] = ['MODEL_NOT_FINITE'];

function refusalOf(error: unknown): RequestRefused {
  if (error instanceof RequestRefused) return error;
  if (error instanceof UsageError) {
    const message = error.message.replaceAll(/\s*\n\s*/g, ' ');
    const code = CODES[error.code] ?? error.code.toLowerCase();
    return new RequestRefused(OF_MODEL.includes(error.code) ? 500 : 400, code, message, 'messages');
  }
  return new RequestRefused(500, 'internal_error', 'The server failed on this request; its own output says more.');
}

/** A refusal or failure as clients of OpenAI's API read it. */
export function errorReply(error: unknown): Reply {
  const { status, code, message, param } = refusalOf(error);
  const type = status < 500 ? 'invalid_request_error' : 'server_error';
  return { status, body: { error: { message, type, param, code } } };
}

/** Whether an error is the request's fault or the model's, and not a mistake of ours. */
export const isRefusal = (error: unknown): boolean => error instanceof RequestRefused || error instanceof UsageError;

import {
  type Answered,
  askingJudge,
  type DetectingJudge,
  type MissingReason,
  type Writer,
} from '../../../replacements/index.js';
import { noUsage, openSimulator, type SimulatorNeeds, type Usage } from '../simulators/index.js';
import { openWriter } from '../simulators/writer.js';
import { judgeOf, needsJudge, type WritingConfig } from './config.js';

/** What writer and judge may be made from. */
export type WritingNeeds = Omit<SimulatorNeeds, 'evidence' | 'planned' | 'alsoAsked'>;

/** Whoever writes, and whoever reads it. */
export interface WriterAndJudge {
  readonly writer: Writer;
  /** `null` where nobody has to read what is written. */
  readonly judge: DetectingJudge | null;
  /** Of both. */
  usage(): Usage;
  /** Whether anything was missing that another run may bring. */
  readonly unfinished: boolean;
  close(): Promise<void>;
}

const MAY_COME: readonly MissingReason[] = ['failed', 'no stored answer', 'not asked'];

export function sumOfUsage(one: Usage, other: Usage): Usage {
  return {
    queries: one.queries + other.queries,
    probeCalls: one.probeCalls + other.probeCalls,
    tokensIn: one.tokensIn + other.tokensIn,
    tokensOut: one.tokensOut + other.tokensOut,
    usd: one.usd === null || other.usd === null ? null : one.usd + other.usd,
  };
}

async function openJudge(config: WritingConfig, needs: WritingNeeds) {
  if (!needsJudge(config)) return null;
  const open = await openSimulator(judgeOf(config), { ...needs, evidence: null, alsoAsked: ['yes-no'] });
  if (open.asker === undefined) throw new TypeError(`${open.simulator.id} cannot be asked as a judge`);
  return { judge: askingJudge(open.asker), usage: open.usage, close: async () => open.close?.() };
}

/** Opens both; what they are asked is answered from the store where it was answered before. */
export async function openWriterAndJudge(config: WritingConfig, needs: WritingNeeds): Promise<WriterAndJudge> {
  let unfinished = false;
  function noticed<T>(answer: Answered<T>): Answered<T> {
    if ('missing' in answer && MAY_COME.includes(answer.missing)) unfinished = true;
    return answer;
  }
  const author = await openWriter(config.by, needs);
  const reader = await openJudge(config, needs).catch(async (error: unknown) => {
    await author.close();
    throw error;
  });
  return {
    writer: {
      id: author.writer.id,
      write: async (query, signal) => noticed(await author.writer.write(query, signal)),
    },
    judge: reader && {
      id: reader.judge.id,
      activates: async (question, signal) => noticed(await reader.judge.activates(question, signal)),
    },
    usage: () => sumOfUsage(author.usage(), reader?.usage() ?? { ...noUsage(), usd: 0 }),
    get unfinished() {
      return unfinished;
    },
    async close() {
      try {
        await author.close();
      } finally {
        await reader?.close();
      }
    },
  };
}

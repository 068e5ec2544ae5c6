import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeWhole } from '../../../eval/index.js';
import { formatExplanations, readExplanations } from '../../../explanations/index.js';
import { UsageError } from '../../../harness/index.js';
import { EVIDENCE_SHARES, JUDGED_PLAN, type Unexplained, writingPromptsHash } from '../../../replacements/index.js';
import { contentKey } from '../cache.js';
import type { Watched } from '../progress.js';
import { noUsage, type SimulatorConfig } from '../simulators/index.js';
import { judgeOf, needsJudge, shownPlan, textStyle, WRITING_DRAW, type WritingConfig } from './config.js';
import type { WritingNeeds } from './people.js';
import type { WritingSource } from './source.js';
import { type Written, writeByModel } from './write.js';

/** To be raised with every change of how explanations are written, but for prompts, which are a part of the key. */
const WRITERS = 'writers@1';

/** What decides a model's answers: not where it is served, nor how fast. */
function identityOf(config: SimulatorConfig): unknown {
  if (config.kind !== 'openai') return config;
  const { model, extraBody, readOut } = config;
  return { model, extraBody, readOut };
}

/** The parts of a source that decide what is written. */
type KeyedSource = Pick<WritingSource, 'contexts' | 'content' | 'seed'> & {
  readonly reader: { readonly hookpoint: { readonly id: string } };
  readonly coder: { readonly spec: { readonly id: string } };
};

/** What written explanations are cached by. */
export function writingKey(config: WritingConfig, { reader, coder, contexts, content, seed }: KeyedSource): string {
  const { style, refine, words, latents } = config;
  return contentKey(
    WRITERS,
    reader.hookpoint.id,
    coder.spec.id,
    {
      style,
      refine,
      words,
      latents,
      by: identityOf(config.by),
      judge: needsJudge(config) ? identityOf(judgeOf(config)) : null,
    },
    [shownPlan(config), WRITING_DRAW, EVIDENCE_SHARES, JUDGED_PLAN, writingPromptsHash(textStyle(style))],
    seed,
    contexts,
    content,
  );
}

const REASONS = [
  'unreadable answer',
  'refused',
  'failed',
  'no stored answer',
  'no explanation',
  'not asked',
  'too few examples',
  'instructs its reader',
] as const satisfies readonly Unexplained[];

/** What is kept beside the explanations: which latents have none. */
const besideSchema = z.strictObject({
  firing: z.number().int(),
  notDrawn: z.number().int().default(0),
  missing: z.array(z.strictObject({ latent: z.number().int(), why: z.enum(REASONS) })),
});

/** Explanations that were written before under the same key; `null` where they were not, or not to the end. */
async function cachedAt(path: string, { reader, coder }: WritingSource): Promise<Written | null> {
  if (!existsSync(path) || !existsSync(`${path}.missing.json`)) return null;
  const beside = besideSchema.parse(JSON.parse(await readFile(`${path}.missing.json`, 'utf8')));
  // A file without a line is one of latents of which nothing could be said.
  const none = beside.firing - beside.notDrawn === beside.missing.length;
  const coders = new Map([[reader.hookpoint.id, coder.spec.latents]]);
  const explanations = none ? [] : await readExplanations(path, coders);
  return { ...beside, explanations, partial: false, unfinished: false, usage: { ...noUsage(), usd: 0 } };
}

const pathOf = (config: WritingConfig, source: WritingSource, cache: string): string =>
  join(cache, 'explanations', `${writingKey(config, source)}.jsonl`);

/**
 * Explanations that a language model wrote before, where nobody can be asked.
 * @throws {UsageError} `NOT_WRITTEN`
 */
export async function writtenBefore(config: WritingConfig, source: WritingSource, cache: string): Promise<Written> {
  const before = await cachedAt(pathOf(config, source, cache), source);
  if (before !== null) return before;
  throw new UsageError(
    'NOT_WRITTEN',
    `${config.by.model} has not yet written all explanations in style ${config.style} of ${source.reader.hookpoint.id}.`,
    '`partial-rewrite run` of the experiment has them written first; or give a file that `explain` wrote.',
  );
}

/**
 * Explanations by a language model: written on first use, and cached by the content of coder, evidence and configuration
 * as soon as nothing is missing that another run may bring. Until then the store of answers holds what was paid for.
 */
export async function writtenOrCached(
  config: WritingConfig,
  source: WritingSource,
  needs: WritingNeeds & Watched,
): Promise<Written> {
  const path = pathOf(config, source, needs.cache);
  const before = await cachedAt(path, source);
  if (before !== null) return before;
  const written = await writeByModel(config, source, needs);
  if (!written.unfinished) {
    const { firing, notDrawn, missing, explanations } = written;
    await writeWhole(path, formatExplanations([...explanations]));
    await writeWhole(`${path}.missing.json`, JSON.stringify({ firing, notDrawn, missing }));
  }
  return written;
}

import pLimit from 'p-limit';
import type { InStyle, Style } from '../../explanations/index.js';
import { settleAll } from '../../harness/index.js';
import { BudgetReached } from '../simulated/index.js';
import type { LatentEvidence } from './evidence.js';
import type { Explained, ProseExplainer, Unexplained } from './explained.js';
import type { RefineRound } from './refine/round.js';

/** The explanations of many latents, and which have none. */
export interface ExplainedLatents<S extends Style> {
  /** In the order in which the latents were given. */
  readonly explanations: readonly InStyle<S>[];
  readonly missing: readonly { readonly latent: number; readonly why: Unexplained }[];
  /** How many have none, by reason. */
  readonly counts: Readonly<Partial<Record<Unexplained, number>>>;
  /** What became of each latent's rounds, where they were refined. */
  readonly rounds: ReadonlyMap<number, readonly RefineRound[]>;
  /** True where the budget ended it: the latents that it did not suffice for are missing as `not asked`. */
  readonly partial: boolean;
}

export interface ExplainAllOptions {
  readonly signal: AbortSignal;
  /** Latents that are worked on at once. Their evidence is drawn only then. Default 32. */
  readonly underWay?: number;
  /** Called after each latent. */
  readonly onLatent?: (done: number, total: number) => void;
}

/**
 * Explains latents, several at once. Once the budget is reached none is begun, and those under way end: what was written of
 * them is in the writer's store, so that a larger budget goes on from there. So it is after a failure, which is thrown.
 */
export async function explainLatents<S extends Style>(
  explainer: ProseExplainer<S>,
  latents: readonly number[],
  evidenceOf: (latent: number) => Promise<LatentEvidence>,
  { signal, underWay = 32, onLatent }: ExplainAllOptions,
): Promise<ExplainedLatents<S>> {
  const limit = pLimit(underWay);
  let done = 0;
  let partial = false;
  let failed = false;
  const all = await settleAll(
    latents.map((latent) =>
      limit(async (): Promise<Explained<S>> => {
        if (failed || partial) return { missing: 'not asked' };
        try {
          signal.throwIfAborted();
          const explained = await explainer.explain(await evidenceOf(latent), signal);
          onLatent?.(++done, latents.length);
          return explained;
        } catch (error) {
          if (error instanceof BudgetReached) {
            partial = true;
            return { missing: 'not asked' };
          }
          failed = true;
          throw error;
        }
      }),
    ),
  );
  const explanations: InStyle<S>[] = [];
  const missing: { latent: number; why: Unexplained }[] = [];
  const counts: Partial<Record<Unexplained, number>> = {};
  const rounds = new Map<number, readonly RefineRound[]>();
  for (const [i, explained] of all.entries()) {
    const latent = latents[i]!;
    if ('missing' in explained) {
      missing.push({ latent, why: explained.missing });
      counts[explained.missing] = (counts[explained.missing] ?? 0) + 1;
      continue;
    }
    explanations.push(explained.explanation);
    if (explained.rounds !== undefined) rounds.set(latent, explained.rounds);
  }
  return { explanations, missing, counts, rounds, partial };
}

import { setImmediate } from 'node:timers/promises';
import type { Explanation } from '../../../explanations/index.js';
import {
  type ExplainedLatents,
  explainLatents,
  type ProseExplainer,
  refiningExplainer,
  scoredSentenceExplainer,
  type Unexplained,
  type WrittenStyle,
  writtenExplainer,
} from '../../../replacements/index.js';
import { madeFrom } from '../induction/provenance.js';
import { dollars } from '../money.js';
import type { Watched } from '../progress.js';
import type { Usage } from '../simulators/index.js';
import { needsJudge, type ProseStyle, shownPlan, textStyle, type WritingConfig } from './config.js';
import { openDrawer } from './draw.js';
import { openWriterAndJudge, type WriterAndJudge, type WritingNeeds } from './people.js';
import type { WritingSource } from './source.js';

/** What came of having explanations written. */
export interface Written {
  readonly explanations: readonly Explanation[];
  /** Latents that fire in the evidence and have no explanation, and why. */
  readonly missing: readonly { readonly latent: number; readonly why: Unexplained }[];
  /** Latents that fire in the evidence: those that were to be explained. */
  readonly firing: number;
  /** True where the budget ended it. */
  readonly partial: boolean;
  /** True where another run may bring what is missing: then it is not to be kept as it is. */
  readonly unfinished: boolean;
  readonly usage: Usage;
}

/**
 * Latents that are worked on at once where a judge reads what is written: each has dozens of questions under way by itself.
 * With more, a small budget would be spent on the beginnings of many and the end of none.
 */
const JUDGED_UNDER_WAY = 4;

/** Explains latents by the explainer of the style, refined and scored as it is wished. */
async function explainBy(
  config: WritingConfig,
  { coder, contexts, seed }: WritingSource,
  { writer, judge }: Pick<WriterAndJudge, 'writer' | 'judge'>,
  explainAll: <S extends ProseStyle>(explainer: ProseExplainer<S>) => Promise<ExplainedLatents<S>>,
): Promise<ExplainedLatents<WrittenStyle> | ExplainedLatents<'sentence+score'>> {
  const options = {
    writer,
    show: shownPlan(config),
    words: config.words,
    provenance: madeFrom(coder, contexts),
  };
  const refined = <S extends WrittenStyle>(style: S): ProseExplainer<S> => {
    const explainer = writtenExplainer(style, options);
    return judge === null || config.refine === 0
      ? explainer
      : refiningExplainer(explainer, { judge, seed, rounds: config.refine });
  };
  if (config.style !== 'sentence+score') return explainAll(refined(textStyle(config.style)));
  if (judge === null) throw new TypeError('nobody to score what is written');
  return explainAll(scoredSentenceExplainer(refined('sentence'), judge));
}

/** Latents that fire in the evidence, rising. */
export const firingLatents = ({ scale }: Pick<WritingSource, 'scale'>): number[] =>
  [...scale.keys()].filter((latent) => scale[latent]! > 0);

/**
 * Has an explanation written of each latent that fires in the evidence. What was answered before is not paid for again.
 * @throws the signal's reason when aborted; `UsageError` where nobody can be asked; answers that came are stored
 */
export async function writeByModel(
  config: WritingConfig,
  source: WritingSource,
  needs: WritingNeeds & Watched,
): Promise<Written> {
  const { reader } = source;
  const firing = firingLatents(source);
  const drawer = await openDrawer(source, needs.cache, needs);
  try {
    const people = await openWriterAndJudge(config, needs);
    const bar = needs.progress(`${people.writer.id} explains ${reader.hookpoint.id}`, firing.length, 'latents');
    const onLatent = (done: number): void => {
      const { usd } = people.usage();
      bar.at(done, usd ? `· ${dollars(usd)} so far` : '');
    };
    const evidenceOf = async (latent: number) => {
      // What is stored is answered at once, and would leave no moment in which an interrupt is heard.
      await setImmediate();
      return drawer.of(latent);
    };
    try {
      const { explanations, missing, partial } = await explainBy(config, source, people, (explainer) =>
        explainLatents(explainer, firing, evidenceOf, {
          signal: needs.signal,
          onLatent,
          ...(needsJudge(config) && { underWay: JUDGED_UNDER_WAY }),
        }),
      );
      const unfinished = partial || people.unfinished;
      return { explanations, missing, firing: firing.length, partial, unfinished, usage: people.usage() };
    } finally {
      bar.end();
      await people.close();
    }
  } finally {
    await drawer.dispose();
  }
}

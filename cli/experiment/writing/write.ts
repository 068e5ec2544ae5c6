import { setImmediate } from 'node:timers/promises';
import type { Explanation } from '../../../explanations/index.js';
import { seededRandom } from '../../../harness/index.js';
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
  /** Latents that were to be explained and have no explanation, and why. */
  readonly missing: readonly { readonly latent: number; readonly why: Unexplained }[];
  /** Latents that fire in the evidence. */
  readonly firing: number;
  /** Those of them that were not drawn, where not all are to be explained. */
  readonly notDrawn: number;
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

/** Those of them that are to be explained, rising: all, or as many as are wished. A smaller draw is a part of a larger one. */
export function drawnLatents(
  { latents }: Pick<WritingConfig, 'latents'>,
  source: Pick<WritingSource, 'scale' | 'seed'>,
): number[] {
  const firing = firingLatents(source);
  if (latents === undefined || latents >= firing.length) return firing;
  const shuffled = seededRandom(`latents to explain/${source.seed}`).shuffle(firing);
  return shuffled.slice(0, latents).sort((a, b) => a - b);
}

/**
 * Has an explanation written of each latent that fires in the evidence, or of those that are drawn. What was answered
 * before is not paid for again.
 * @throws the signal's reason when aborted; `UsageError` where nobody can be asked; answers that came are stored
 */
export async function writeByModel(
  config: WritingConfig,
  source: WritingSource,
  needs: WritingNeeds & Watched,
): Promise<Written> {
  const { reader } = source;
  const drawn = drawnLatents(config, source);
  const firing = firingLatents(source).length;
  const drawer = await openDrawer(source, needs.cache, needs);
  try {
    const people = await openWriterAndJudge(config, needs);
    const bar = needs.progress(`${people.writer.id} explains ${reader.hookpoint.id}`, drawn.length, 'latents');
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
        explainLatents(explainer, drawn, evidenceOf, {
          signal: needs.signal,
          onLatent,
          ...(needsJudge(config) && { underWay: JUDGED_UNDER_WAY }),
        }),
      );
      const unfinished = partial || people.unfinished;
      const notDrawn = firing - drawn.length;
      return { explanations, missing, firing, notDrawn, partial, unfinished, usage: people.usage() };
    } finally {
      bar.end();
      await people.close();
    }
  } finally {
    await drawer.dispose();
  }
}

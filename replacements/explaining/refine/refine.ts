import { explanationText, type InStyle, type Provenance } from '../../../explanations/index.js';
import { seededRandom } from '../../../harness/index.js';
import type { ScoredExample } from '../../judges/index.js';
import { answered, balancedProbability, type DetectingJudge, type Detection, detect } from '../detect.js';
import type { LatentEvidence } from '../evidence.js';
import type { ProseExplainer } from '../explained.js';
import type { WrittenStyle } from '../forms/form.js';
import type { WrittenExplainer } from '../written-explainer.js';
import { chooseJudged, JUDGED_PLAN, type JudgedPlan } from './choose-judged.js';
import { refinedProvenance } from './provenance.js';
import type { RefineRound } from './round.js';

export interface RefineOptions {
  /** Who reads the explanation: whose mistakes are shown, and whose score decides. */
  readonly judge: DetectingJudge;
  readonly seed: string | number;
  /** New explanations that are asked for, at most. Default 3. */
  readonly rounds?: number;
  /** By how much a new explanation must be better on the held-out examples, beyond nothing at all. Default 0.01. */
  readonly leastGain?: number;
  readonly show?: Partial<JudgedPlan>;
}

/** The score of two explanations over the examples that the judge answered of both; `null` where these are too few. */
function compared(
  before: ReadonlyMap<number, Detection>,
  after: ReadonlyMap<number, Detection>,
): { readonly from: number; readonly to: number } | null {
  const both = [...before.keys()].filter((at) => after.has(at));
  const from = balancedProbability(both.map((at) => before.get(at)!));
  const to = balancedProbability(both.map((at) => after.get(at)!));
  return from === null || to === null ? null : { from, to };
}

function checkApart({ latent, toMend, toDecide }: LatentEvidence): void {
  const shown = new Set(toMend.map(({ text }) => text.join('\0')));
  if (toDecide.some(({ text }) => shown.has(text.join('\0')))) {
    throw new RangeError(`latent ${latent} has an example that would be shown and decide too`);
  }
}

const withProvenance = <E extends object>(explanation: E, provenance: Provenance): E => ({
  ...explanation,
  provenance,
});

/**
 * An explainer whose explanations are mended: the judge's worst false positives and false negatives (of `toMend`) are shown
 * to the writer, and its new explanation is taken only if the judge does better by it on examples that nobody was shown
 * (`toDecide`). So no round makes that score worse. What was rejected is not asked again with the same mistakes.
 *
 * The score that decided is the best of several and flatters a little: compare by others, such as `toScore`.
 * @throws {RangeError} from `explain`, where an example to mend by is also one to decide by
 */
export function refiningExplainer<S extends WrittenStyle>(
  explainer: WrittenExplainer<S>,
  { judge, seed, rounds: most = 3, leastGain = 0.01, show }: RefineOptions,
): ProseExplainer<S> {
  const plan = { ...JUDGED_PLAN, ...show };
  return {
    style: explainer.style,
    async explain(evidence, signal) {
      checkApart(evidence);
      const { latent, scale, toMend, toDecide } = evidence;
      const first = await explainer.explain(evidence, signal);
      if ('missing' in first || most === 0) return first;
      const random = seededRandom(`${seed}/refine/${latent}`);
      const held = async (explanation: InStyle<S>) =>
        answered(toDecide, await detect(judge, explanation, toDecide, signal));

      let best = first.explanation;
      let decided = await held(best);
      let mended = await detect(judge, best, toMend, signal);
      let used = new Set<ScoredExample>();
      const rounds: RefineRound[] = [];
      while (rounds.length < most) {
        const { mistakes, right } = chooseJudged(toMend, mended, plan, random.fork(String(rounds.length)), used);
        if (mistakes.length === 0) break;
        for (const { example } of mistakes) used.add(example);
        const next = await explainer.improve(best, [...mistakes, ...right], scale, signal);
        if ('missing' in next) {
          rounds.push({ kind: 'missing', why: next.missing });
          continue;
        }
        if (explanationText<WrittenStyle>(next.explanation) === explanationText<WrittenStyle>(best)) {
          rounds.push({ kind: 'unchanged' });
          continue;
        }
        const after = await held(next.explanation);
        const scores = compared(decided, after);
        if (scores === null) {
          rounds.push({ kind: 'undecided' });
          continue;
        }
        const isBetter = scores.to > scores.from && scores.to >= scores.from + leastGain;
        rounds.push({ kind: isBetter ? 'kept' : 'rejected', ...scores });
        if (!isBetter) continue;
        best = next.explanation;
        decided = after;
        if (rounds.length < most) mended = await detect(judge, best, toMend, signal);
        used = new Set();
      }
      return { explanation: withProvenance(best, refinedProvenance(best.provenance, judge.id, rounds)), rounds };
    },
  };
}

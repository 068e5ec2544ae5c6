import type { Asker } from '../../replacements/index.js';
import { DistinctCount } from './distinct-count.js';
import { dollars } from './money.js';
import type { Bar, Progress } from './progress.js';

/** How asking goes, of late; dollars where it costs some and the price is known. */
export interface AskingStatus {
  readonly perSecond: number | null;
  readonly secondsLeft: number | null;
  readonly usd?: number | null;
  readonly usdLeft?: number | null;
}

/** An asker that can tell how it goes. */
export interface ToldAsker extends Asker {
  /** @param remaining questions that still have to be answered */
  progress(remaining: number): AskingStatus;
}

export interface Watching {
  readonly model: string;
  /** Questions that the plan has for it; `undefined` where nobody planned: then nothing is shown. */
  readonly planned: number | undefined;
  /** Questions that were answered by a call so far, and not by the store. */
  readonly answered: () => number;
  readonly progress: Progress;
  readonly now: () => Date;
}

export interface WatchedAsker extends Asker {
  /** A planned question of another kind that the same model was put beside these, and that is answered. */
  saw(question: string): void;
  /** Questions answered a second, from the first call's answer to the last; `null` where that is too short to tell. */
  readonly pace: number | null;
  end(): void;
}

/** Milliseconds between looks at how it goes. */
const LOOK_EVERY = 200;
/** A pace over less than this is chance. */
const LEAST_ANSWERS = 20;
const LEAST_MS = 1000;

/**
 * Shows how many of the planned questions are answered, the pace, cost and time left. A question that is asked again, as
 * for a control, counts once. Nothing is shown as long as the store has all the answers.
 */
export function watchedAsker(asker: ToldAsker, { model, planned, answered, progress, now }: Watching): WatchedAsker {
  const seen = new DistinctCount(planned ?? 0);
  let bar: Bar | null = null;
  let looked = 0;
  let first: { readonly at: number; readonly count: number } | null = null;
  let last = { at: 0, count: 0 };

  function note({ usd, usdLeft }: AskingStatus): string {
    if (usd == null) return '';
    return `· ${dollars(usd)} so far${usdLeft == null ? '' : `, ${dollars(usdLeft)} left`}`;
  }
  function look(at: number): void {
    const count = answered();
    if (count > last.count) {
      last = { at, count };
      first ??= last;
    }
    if (planned === undefined || count === 0 || at - looked < LOOK_EVERY) return;
    looked = at;
    bar ??= progress(`Asking ${model}`, planned, 'queries');
    const done = Math.min(planned, seen.estimate);
    const status = asker.progress(planned - done);
    bar.at(done, note(status), status);
  }

  function saw(question: string): void {
    seen.add(question);
    look(now().getTime());
  }
  return {
    id: asker.id,
    async ask(query, signal) {
      const answer = await asker.ask(query, signal);
      saw(query.system + query.user);
      return answer;
    },
    saw,
    get pace() {
      if (first === null) return null;
      const [answers, milliseconds] = [last.count - first.count, last.at - first.at];
      return answers < LEAST_ANSWERS || milliseconds < LEAST_MS ? null : (1000 * answers) / milliseconds;
    },
    end() {
      looked = 0;
      look(now().getTime());
      bar?.end();
      bar = null;
    },
  };
}

/** Asks for one thing among those that wait; it rejects with the signal's reason when aborted. */
export type Enqueue<Request, Answer> = (request: Request, signal: AbortSignal) => Promise<Answer>;

interface Waiting<Request, Answer> {
  readonly request: Request;
  readonly signal: AbortSignal;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (reason: unknown) => void;
}

/** Puts requests that have much in common beside each other. */
export type Order<Request> = (one: Request, other: Request) => number;

/**
 * Collects requests that come while others are being worked on, and works on them together.
 * @param work answers in the order of the requests; what it throws, all of them get
 * @param most requests at once
 * @param order where more wait: the one that has waited longest is taken with those beside it. Default: first come
 */
export function batchQueue<Request, Answer>(
  work: (requests: readonly Request[]) => Promise<readonly Answer[]>,
  most: number,
  order?: Order<Request>,
): Enqueue<Request, Answer> {
  let waiting: Waiting<Request, Answer>[] = [];
  let busy = false;

  async function drain(): Promise<void> {
    while (waiting.length > 0) {
      // One turn of the event loop: those who were just answered, and their like, get to ask for the next.
      await new Promise<void>((resolve) => setImmediate(resolve));
      const live = waiting.filter(({ signal }) => !signal.aborted);
      const batch = order === undefined ? live.slice(0, most) : besideFirst(live, most, order);
      const taken = new Set(batch);
      waiting = live.filter((each) => !taken.has(each));
      if (batch.length === 0) continue;
      try {
        const answers = await work(batch.map(({ request }) => request));
        batch.forEach(({ resolve }, at) => {
          resolve(answers[at]!);
        });
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    busy = false;
  }

  return (request, signal) =>
    new Promise<Answer>((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      const abort = () => reject(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
      const settled = <T>(settle: (value: T) => void) => {
        return (value: T) => {
          signal.removeEventListener('abort', abort);
          settle(value);
        };
      };
      waiting.push({ request, signal, resolve: settled(resolve), reject: settled(reject) });
      if (!busy) {
        busy = true;
        void drain();
      }
    });
}

/** The first of those that wait and, in their order, its neighbours on both sides. */
function besideFirst<Request, Answer>(
  live: readonly Waiting<Request, Answer>[],
  most: number,
  order: Order<Request>,
): Waiting<Request, Answer>[] {
  const [first] = live;
  if (first === undefined || live.length <= most) return [...live];
  const sorted = live.toSorted((a, b) => order(a.request, b.request));
  const start = sorted.indexOf(first) - (most >> 1);
  const from = Math.max(0, Math.min(start, sorted.length - most));
  return sorted.slice(from, from + most);
}

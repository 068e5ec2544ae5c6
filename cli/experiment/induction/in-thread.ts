import { Worker } from 'node:worker_threads';
import type { ExplainedStyle, ExplainerEvidence, ExplainerOptions, InStyle } from '../../../explanations/index.js';
import type { Watched } from '../progress.js';

/** Evidence in a cache on disk, which the thread reads by itself, so that it never is in memory as a whole. */
export interface CachedEvidence {
  readonly kind: 'cached';
  readonly folder: string;
  /** Folder of the model whose tokenizer says what the cache's tokens read like. */
  readonly tokenizer: string;
  /** What the cache does not hold. */
  readonly beside: Omit<ExplainerEvidence, 'contexts' | 'activations'>;
}

/** What an explainer is given, as it can be sent to a thread. */
export interface ExplainingTask {
  readonly style: ExplainedStyle;
  readonly evidence: { readonly kind: 'given'; readonly evidence: ExplainerEvidence } | CachedEvidence;
  readonly options: Omit<ExplainerOptions, 'count' | 'onLatent'>;
  /** Folder of the model whose tokenizer counts prose; `null` for a style that has none. */
  readonly tokenizer: string | null;
}

/** What the thread says while it works, and when it is done. */
export type Told =
  | { readonly kind: 'progress'; readonly done: number }
  | { readonly kind: 'finished'; readonly explanations: InStyle<ExplainedStyle>[] };

/**
 * `explain` in a thread of its own: it computes for minutes without a pause, and would keep Ctrl-C waiting.
 * @param onLatent called with the number of latents done
 * @param signal ends the thread; the promise then rejects with the signal's reason
 */
function explainInThread(
  task: ExplainingTask,
  onLatent: (done: number) => void,
  signal: AbortSignal,
): Promise<InStyle<ExplainedStyle>[]> {
  signal.throwIfAborted();
  const file = import.meta.url.endsWith('.ts') ? './worker-from-sources.mjs' : './worker.js';
  const worker = new Worker(new URL(file, import.meta.url), { workerData: task, execArgv: [] });
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      reject(signal.reason);
      void worker.terminate();
    };
    signal.addEventListener('abort', stop, { once: true });
    worker.on('message', (told: Told) => {
      if (told.kind === 'progress') onLatent(told.done);
      else resolve(told.explanations);
    });
    worker.on('error', reject);
    worker.on('exit', (code) => {
      signal.removeEventListener('abort', stop);
      reject(new Error(`the explainer's thread ended without an answer (code ${code})`));
    });
  });
}

/** `explainInThread` of a coder's latents, with a bar that shows how far it is. */
export async function explainWatched(
  task: ExplainingTask,
  latents: number,
  { progress, signal }: Watched,
): Promise<InStyle<ExplainedStyle>[]> {
  const title = `Explaining ${latents} latents by ${task.style}, in at most ${task.options.maxTokens} tokens`;
  const bar = progress(title, latents, 'latents');
  const explanations = await explainInThread(task, (done) => bar.at(done), signal);
  bar.end();
  return explanations;
}

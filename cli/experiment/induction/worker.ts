import { parentPort, workerData } from 'node:worker_threads';
import { explain } from '../../../explanations/index.js';
import { openTokenizer } from '../../../harness/index.js';
import type { EvidenceGroup } from './groups.js';
import type { ExplainingTask, Told } from './in-thread.js';

const port = parentPort;
if (port === null) throw new Error('worker.ts runs as a worker thread only');
const tell = (told: Told): void => port.postMessage(told);

const { style, evidence, options, tokenizer: folder }: ExplainingTask = workerData;
const tokenizer = folder === null ? null : await openTokenizer(folder);
const count = (text: string): number => {
  if (tokenizer === null) throw new Error(`an explanation by ${style} has prose, and no tokenizer to count it by`);
  return tokenizer.encode(text, { special: false }).length;
};
/** What reads caches is a large part of the program: it is loaded where there is one. */
const groups: Iterable<EvidenceGroup> | AsyncIterable<EvidenceGroup> =
  evidence.kind === 'cached'
    ? (await import('./groups.js')).cachedEvidence(style, evidence)
    : [{ from: 0, to: evidence.evidence.activations.latents, of: evidence.evidence }];
const explanations: ReturnType<typeof explain> = [];
for await (const { from, to, of } of groups) {
  const onLatent = (done: number): void => {
    if (done > from && done <= to) tell({ kind: 'progress', done });
  };
  for (const each of explain(style, of, { ...options, count, onLatent })) explanations.push(each);
}
tell({ kind: 'finished', explanations });

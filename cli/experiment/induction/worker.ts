import { parentPort, workerData } from 'node:worker_threads';
import { explain } from '../../../explanations/index.js';
import { openTokenizer } from '../../../harness/index.js';
import type { ExplainingTask, Told } from './in-thread.js';

const port = parentPort;
if (port === null) throw new Error('worker.ts runs as a worker thread only');
const tell = (told: Told): void => port.postMessage(told);

const { style, evidence, options, tokenizer: folder }: ExplainingTask = workerData;
const tokenizer = folder === null ? null : await openTokenizer(folder);
const explanations = explain(style, evidence, {
  ...options,
  count(text) {
    if (tokenizer === null)
      throw new Error(`an explanation in style ${style} has prose, and no tokenizer to count it by`);
    return tokenizer.encode(text, { special: false }).length;
  },
  onLatent: (done) => tell({ kind: 'progress', done }),
});
tell({ kind: 'finished', explanations });

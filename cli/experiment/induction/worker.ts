import { parentPort, workerData } from 'node:worker_threads';
import { inducePatterns } from '../../../explanations/index.js';
import type { InductionTask, Told } from './in-thread.js';

const port = parentPort;
if (port === null) throw new Error('worker.ts runs as a worker thread only');
const tell = (told: Told): void => port.postMessage(told);

const task: InductionTask = workerData;
const explanations = inducePatterns({ ...task, onLatent: (done) => tell({ kind: 'progress', done }) });
tell({ kind: 'finished', explanations });

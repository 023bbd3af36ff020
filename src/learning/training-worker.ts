/** The thread that trains one model and ends. Its job is its `workerData`, its answer one message. */
import { parentPort, workerData } from 'node:worker_threads';
import { type TrainingJob, trainModel } from '../strategies/learned-training.js';

const model = trainModel(workerData as TrainingJob);
const { buckets, featureWeights, scales, weights } = model;
// Handed over rather than copied: a copy of many megabytes would hold up the one who waits.
parentPort?.postMessage(
  model,
  [buckets, featureWeights, scales, weights].map(({ buffer }) => buffer as ArrayBuffer),
);

/**
 * Owns: one worker thread per training. Talks to: `training-worker.ts`, by one message.
 *
 * - L1: the thread has ended when the promise settles, however it settles.
 */
import { Worker } from 'node:worker_threads';
import { trainingFailed } from '../core/errors.js';
import { threadEntry } from '../services/isolation/entry-file.js';
import type { LearnedWeights } from '../strategies/learned-model.js';
import type { TrainingJob } from '../strategies/learned-training.js';

/**
 * Trains a model in a thread.
 *
 * @throws OrchestratorError `INTERNAL` when the thread dies; the reason of the signal when that fires.
 */
export async function trainInThread(job: TrainingJob, signal?: AbortSignal): Promise<LearnedWeights> {
  signal?.throwIfAborted();
  const worker = new Worker(threadEntry(new URL('./training-worker.js', import.meta.url)), {
    workerData: job,
    execArgv: [],
  });
  let onAbort = () => {};
  try {
    return await new Promise((resolve, reject) => {
      onAbort = () => reject(signal?.reason);
      signal?.addEventListener('abort', onAbort);
      worker.on('message', resolve);
      worker.on('error', (cause) => reject(trainingFailed(cause)));
      worker.on('exit', (code) => reject(trainingFailed(new Error(`the thread exited with code ${code}`))));
    });
  } finally {
    signal?.removeEventListener('abort', onAbort);
    await worker.terminate();
  }
}

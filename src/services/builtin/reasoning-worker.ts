/**
 * The thread that computes for one task at a time. Its libraries are loaded by the first job that needs them; it is
 * ended from outside, z3's own threads with it.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { ReasoningJob } from './reasoning-answer.js';
import { answerJob, describeFault } from './reasoning-jobs.js';
import type { Solver } from './reasoning-solver.js';

const port = parentPort;
if (port === null) throw new Error('reasoning-worker is the entry of a worker thread');
const { checkTimeoutMs } = workerData as { readonly checkTimeoutMs: number };

let solver: Promise<Solver> | undefined;
const openSolver = (): Promise<Solver> => {
  solver ??= import('./reasoning-solver.js').then(({ createSolver }) => createSolver(checkTimeoutMs));
  return solver;
};

port.on('message', async (job: ReasoningJob) => {
  try {
    port.postMessage({ answer: await answerJob(job, openSolver) });
  } catch (error) {
    port.postMessage({ fault: describeFault(error) });
  }
});

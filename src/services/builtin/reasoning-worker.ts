/**
 * The thread that computes for one task at a time. Its libraries are loaded by the first job that needs them; it is
 * ended from outside, z3's own threads with it.
 */
import { workerData } from 'node:worker_threads';
import { serveJobs } from '../isolation/serve-jobs.js';
import { threadPort } from '../isolation/thread-port.js';
import type { ReasoningJob } from './reasoning-answer.js';
import { answerJob } from './reasoning-jobs.js';
import type { Solver } from './reasoning-solver.js';

const { checkTimeoutMs } = workerData as { readonly checkTimeoutMs: number };

let solver: Promise<Solver> | undefined;
const openSolver = (): Promise<Solver> => {
  solver ??= import('./reasoning-solver.js').then(({ createSolver }) => createSolver(checkTimeoutMs));
  return solver;
};

serveJobs<ReasoningJob>(threadPort(), {
  run: (job) => answerJob(job, openSolver),
  close: () => process.exit(0),
  maxResultBytes: Number.POSITIVE_INFINITY,
});

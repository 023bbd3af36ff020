import { parentPort, workerData } from 'node:worker_threads';
import { planOf } from './plan.js';
import { runPlan } from './run-plan.js';

/** Seeds to run, one after another. */
export interface Job {
  readonly seeds: readonly number[];
}

/** What came of a job. */
export interface JobReport {
  readonly tasks: number;
  readonly steps: number;
  readonly virtualMs: number;
  /** In the order of the seeds. */
  readonly hashes: readonly string[];
  readonly failures: readonly { readonly seed: number; readonly invariant: string; readonly text: string }[];
}

// Most runs make errors by the dozen, and nobody reads their stacks: a seed that fails runs again elsewhere.
Error.stackTraceLimit = 2;

/** The seed that runs now, for a watch from outside: a run that never ends cannot tell. */
const current = new Uint32Array((workerData as { readonly current: SharedArrayBuffer }).current);

parentPort?.on('message', async (job: Job) => {
  let tasks = 0;
  let steps = 0;
  let virtualMs = 0;
  const hashes: string[] = [];
  const failures: JobReport['failures'][number][] = [];
  for (const seed of job.seeds) {
    current[0] = seed;
    const outcome = await runPlan(planOf(seed));
    tasks += outcome.tasks;
    steps += outcome.steps;
    virtualMs += outcome.virtualMs;
    hashes.push(outcome.hash);
    if (outcome.broken) {
      failures.push({ seed, invariant: outcome.broken.invariant, text: outcome.broken.text });
    }
  }
  parentPort?.postMessage({ tasks, steps, virtualMs, hashes, failures } satisfies JobReport);
});

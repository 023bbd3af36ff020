import { Worker } from 'node:worker_threads';
import type { Job, JobReport } from './simulation-worker.js';

/** Seeds per job: enough to keep a worker busy, few enough to share the end fairly. */
const SEEDS_PER_JOB = 50;
/** A seed that runs longer than this never ends, in milliseconds. */
const LONGEST_SEED_MS = 60_000;

/** Everything that the workers found. */
export interface Tally {
  tasks: number;
  steps: number;
  virtualMs: number;
  /** By seed. */
  readonly hashes: Map<number, string>;
  readonly failures: JobReport['failures'][number][];
}

/** Runs seeds on worker threads, and adds up what they report. */
export async function runSeeds(seeds: readonly number[], threads: number): Promise<Tally> {
  const tally: Tally = { tasks: 0, steps: 0, virtualMs: 0, hashes: new Map(), failures: [] };
  const jobs: Job[] = [];
  for (let at = 0; at < seeds.length; at += SEEDS_PER_JOB) {
    jobs.push({ seeds: seeds.slice(at, at + SEEDS_PER_JOB) });
  }
  await Promise.all(Array.from({ length: Math.min(threads, jobs.length) }, () => work(jobs, tally)));
  return tally;
}

function work(jobs: Job[], tally: Tally): Promise<void> {
  const current = new SharedArrayBuffer(4);
  const worker = new Worker(new URL('./simulation-thread.mjs', import.meta.url), {
    workerData: { current },
    execArgv: ['--no-warnings'],
  });
  return new Promise((resolve, reject) => {
    let job = jobs.shift();
    const end = async (failure?: JobReport['failures'][number]): Promise<void> => {
      clearInterval(watch);
      if (failure) tally.failures.push(failure);
      await worker.terminate();
      resolve();
    };
    const watch = watchSeed(new Uint32Array(current), (seed) => {
      void end({ seed, invariant: 'hang', text: `the run did not end within ${LONGEST_SEED_MS / 1000} s` });
    });
    worker.on('error', reject);
    worker.on('message', (report: JobReport) => {
      add(tally, job as Job, report);
      job = jobs.shift();
      if (job) worker.postMessage(job);
      else void end();
    });
    worker.postMessage(job);
  });
}

function watchSeed(current: Uint32Array, onStuck: (seed: number) => void): NodeJS.Timeout {
  let last = current[0];
  let sinceMs = performance.now();
  return setInterval(() => {
    const seed = current[0];
    if (seed !== last) {
      last = seed;
      sinceMs = performance.now();
    } else if (performance.now() - sinceMs > LONGEST_SEED_MS) onStuck(seed as number);
  }, 1000);
}

function add(tally: Tally, { seeds }: Job, report: JobReport): void {
  tally.tasks += report.tasks;
  tally.steps += report.steps;
  tally.virtualMs += report.virtualMs;
  tally.failures.push(...report.failures);
  seeds.forEach((seed, index) => {
    tally.hashes.set(seed, report.hashes[index] as string);
  });
}

import type { Sample } from './bench.js';

/** Times the part of a run that counts. */
export interface Stopwatch {
  /** Collects garbage, then runs `work` and times it. */
  time<T>(tasks: number, work: () => Promise<T>): Promise<Timed<T>>;
}

/** A timing and what the work resolved with. */
export interface Timed<T> extends Sample {
  readonly value: T;
}

/** Wall time, and CPU time of the whole process: its compiler and garbage collection threads count too. */
export const plainStopwatch: Stopwatch = {
  async time(tasks, work) {
    collectGarbage();
    const cpuBefore = process.cpuUsage();
    const startedMs = performance.now();
    const value = await work();
    const wallMs = performance.now() - startedMs;
    const { user, system } = process.cpuUsage(cpuBefore);
    return { tasks, wallMs, cpuMicros: user + system, value };
  },
};

/** A full collection. Node is started with `--expose-gc` for it. */
export function collectGarbage(): void {
  if (globalThis.gc === undefined) throw new Error('Start Node with --expose-gc.');
  globalThis.gc();
}

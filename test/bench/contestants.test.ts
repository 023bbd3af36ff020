import { describe, expect, it } from 'vitest';
import { BENCH_NAMES, findBench } from '../../bench/benches.js';
import { openGaffrWithFeatures } from '../../bench/contestants/features-gaffr.js';
import { openStack, openStackGivingSlotsBack } from '../../bench/contestants/features-stack.js';
import { answerIn, openGaffr } from '../../bench/contestants/gaffr.js';
import { inMacrotask, inMicrotask } from '../../bench/contestants/load.js';
import {
  openAsyncQueue,
  openBottleneck,
  openEffect,
  openFastq,
  openHandLoop,
  openPLimit,
  openPQueue,
} from '../../bench/contestants/peers.js';
import type { OpenQueue } from '../../bench/contestants/queue.js';
import { ENGINE_SHAPES, runEngine } from '../../bench/engines.bench.js';
import { runFeatures } from '../../bench/features.bench.js';
import type { Stopwatch } from '../../bench/stopwatch.js';
import { runQueue } from '../../bench/supervision.bench.js';

/** Runs the work and takes no time. */
const stoppedWatch: Stopwatch = {
  time: async (tasks, work) => ({ tasks, wallMs: 0, cpuMicros: 0, value: await work() }),
};

const peers: [string, OpenQueue][] = [
  ['p-queue', openPQueue],
  ['fastq', openFastq],
  ['p-limit', openPLimit],
  ['async.queue', openAsyncQueue],
  ['effect', openEffect],
  ['hand loop', openHandLoop],
];
const ours = [1, 3].flatMap((services) =>
  [true, false].map((fastLane): [string, OpenQueue] => [
    `gaffr, ${services} services, fast lane ${fastLane}`,
    openGaffr({ services, concurrency: 4, fastLane }),
  ]),
);

// A wrong answer is thrown.
describe('the contestants of the benches', () => {
  it.each(peers)('%s answers every task, whenever it completes', async (_, open) => {
    for (const work of [inMicrotask, inMacrotask]) {
      const sample = await runQueue(stoppedWatch, { open, work, tasks: 200, warmUpTasks: 20 });
      expect(sample.tasks).toBe(200);
    }
  });

  it.each(ours)('%s answers every task, whenever it completes', async (_, open) => {
    for (const work of [inMicrotask, inMacrotask]) {
      const load = { open, work, tasks: 200, warmUpTasks: 20, read: answerIn };
      expect((await runQueue(stoppedWatch, load)).tasks).toBe(200);
    }
  });

  it.each(ENGINE_SHAPES.map((shape) => [shape.label, shape] as const))(
    'the engine "%s" answers every task',
    async (_, shape) => {
      const sample = await runEngine(stoppedWatch, { shape, inFlight: 4, tasksPerLane: 5 });
      expect(sample.tasks).toBe(20);
    },
  );

  it('bottleneck answers every task', async () => {
    const load = { open: openBottleneck, work: inMicrotask, tasks: 10, warmUpTasks: 1 };
    expect((await runQueue(stoppedWatch, load)).tasks).toBe(10);
  });

  it.each([
    ['gaffr', openGaffrWithFeatures(true)],
    ['gaffr, plain lane', openGaffrWithFeatures(false)],
    ['p-queue + p-retry + p-timeout', openStack],
    ['the same, slots given back', openStackGivingSlotsBack],
  ])('%s retries, cancels and keeps the order of priorities', async (_, open) => {
    const sample = await runFeatures(stoppedWatch, open, { tasks: 600, warmUpTasks: 100 });
    expect(sample.tasks).toBe(600);
  });

  it('catch a queue that gives an answer to the wrong caller', async () => {
    const open: OpenQueue = async (work) => ({
      run: async (texts) => (await Promise.all(texts.map(work))).reverse(),
    });
    const run = runQueue(stoppedWatch, { open, work: inMicrotask, tasks: 200, warmUpTasks: 20 });
    await expect(run).rejects.toThrow('"task 0" should have 6 for an answer; got 8.');
  });

  it.each(BENCH_NAMES)('of the bench %s have names of their own, and one is ours', async (name) => {
    const { contestants } = await findBench(name);
    expect(new Set(contestants.map((each) => each.name)).size).toBe(contestants.length);
    expect(contestants[0]?.isOurs).toBe(true);
  });
});

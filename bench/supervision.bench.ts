import type { Bench, Contestant, Sample } from './bench.js';
import { answerIn, openGaffr, type Shape } from './contestants/gaffr.js';
import { checkLengths, inMacrotask, inMicrotask, textsOf, type Work } from './contestants/load.js';
import {
  openAsyncQueue,
  openBottleneck,
  openEffect,
  openFastq,
  openHandLoop,
  openPLimit,
  openPQueue,
} from './contestants/peers.js';
import { inLanes, type OpenQueue } from './contestants/queue.js';
import type { Stopwatch } from './stopwatch.js';

/** Tasks of one timed run. */
const TASKS = 100_000;

/** Tasks of each warm-up; two of them leave nothing for the compiler to do in the timed run. */
const WARM_UP_TASKS = 20_000;

const SHAPES: readonly Omit<Shape, 'fastLane'>[] = [
  { services: 1, concurrency: 10 },
  { services: 10, concurrency: 1 },
  { services: 4, concurrency: 5 },
];

/** How many tasks there are in the timed run and in each warm-up. */
interface Size {
  readonly tasks: number;
  readonly warmUpTasks?: number;
}

/** For a contestant that would take minutes. */
const FEW: Size = { tasks: 1000, warmUpTasks: 100 };

/** How one load is run: where its completions come from. */
interface Load {
  readonly group: string;
  /** Behind the names of its contestants. */
  readonly suffix: string;
  readonly work: Work;
}

const LOADS: readonly Load[] = [
  { group: 'completions in microtasks', suffix: '', work: inMicrotask },
  { group: 'completions in separate macrotasks', suffix: ', macrotasks', work: inMacrotask },
];

export const supervision: Bench = {
  name: 'supervision',
  measures:
    '100,000 tasks of next to no work, submitted at once and run ten at a time: what each queue adds to a task, from ' +
    'the call to the answer, a promise per task included. Then the same from ten callers who each wait for an answer ' +
    'before they submit again, so that nothing ever waits in the queue.',
  doesNotMeasure:
    'Real work, beside which these microseconds vanish; memory (growth); retries, time ' +
    'limits, priorities, cancels and listeners (features). Peers do none of what ours does per task: a route, a result ' +
    'with times, a timeout that is armed, a circuit, a bounded queue.',
  contestants: [...LOADS.flatMap(contestantsOf), ...closedLoop()],
  metric: { name: 'tasksPerSecond', better: 'higher' },
};

function contestantsOf(load: Load): Contestant[] {
  return [
    ...SHAPES.flatMap((shape) => [ours(load, shape, true), ours(load, shape, false)]),
    peer(load, 'p-queue', openPQueue),
    peer(load, 'fastq', openFastq, 'fastq.promise'),
    peer(load, 'p-limit', openPLimit),
    peer(load, 'async.queue', openAsyncQueue),
    peer(load, 'effect', openEffect, 'Effect.forEach: no queue, no promise per task'),
    peer(load, 'bottleneck', openBottleneck, '1,000 tasks only: each waits for a timer of its own', FEW),
    peer(load, 'hand loop', openHandLoop, 'the floor: an array, ten loops, a promise per task'),
  ];
}

function closedLoop(): Contestant[] {
  const load: Load = { group: 'ten callers who wait', suffix: ', callers who wait', work: inMicrotask };
  return [
    ...SHAPES.flatMap((shape) => [ours(load, shape, true, inLanes), ours(load, shape, false, inLanes)]),
    peer(load, 'p-queue', inLanes(openPQueue)),
    peer(load, 'fastq', inLanes(openFastq), 'fastq.promise'),
  ];
}

function ours(
  { group, suffix, work }: Load,
  shape: Omit<Shape, 'fastLane'>,
  fastLane: boolean,
  asked: (open: ReturnType<typeof openGaffr>) => OpenQueue = (open) => open,
): Contestant {
  const label = nameOf({ ...shape, fastLane });
  const open = asked(openGaffr({ ...shape, fastLane }));
  return {
    name: `${label}${suffix}`,
    label,
    group,
    isOurs: true,
    note: noteOf(shape.services),
    run: (stopwatch) => runQueue(stopwatch, { open, work, tasks: TASKS, read: answerIn }),
  };
}

function peer(
  { group, suffix, work }: Load,
  label: string,
  open: OpenQueue,
  note?: string,
  size: Size = { tasks: TASKS },
): Contestant {
  return {
    name: `${label}${suffix}`,
    label,
    group,
    ...(note !== undefined && { note }),
    run: (stopwatch) => runQueue(stopwatch, { open, work, ...size }),
  };
}

/** Name of one of ours, without the load. */
export function nameOf({ services, concurrency, fastLane }: Shape): string {
  return `gaffr ${services}×${concurrency}${fastLane ? '' : ', plain lane'}`;
}

function noteOf(services: number): string {
  return services === 1 ? 'tasks name no service' : 'each task names its service: execute(text, options)';
}

/** Warms a queue up, times it on a fresh one, and checks every answer. */
export async function runQueue(
  stopwatch: Stopwatch,
  load: Size & {
    readonly open: OpenQueue;
    readonly work: Work;
    readonly read?: (answer: unknown) => unknown;
  },
): Promise<Sample> {
  const { open, work, tasks, warmUpTasks = WARM_UP_TASKS, read = (answer) => answer } = load;
  const texts = textsOf(tasks);
  for (let count = 0; count < 2; count += 1) await (await open(work)).run(texts.slice(0, warmUpTasks));
  const queue = await open(work);
  const { value, ...sample } = await stopwatch.time(tasks, () => queue.run(texts));
  checkLengths(texts, value.map(read));
  return sample;
}

import type { Bench, Contestant, Result, Sample } from './bench.js';
import { answerIn, openGaffr } from './contestants/gaffr.js';
import { checkLengths, inMicrotask, textsOf } from './contestants/load.js';
import { openFastq, openPQueue } from './contestants/peers.js';
import type { OpenQueue, PausableQueue } from './contestants/queue.js';
import { median } from './statistics.js';
import { collectGarbage, type Stopwatch } from './stopwatch.js';

/** Tasks that wait at once. The largest is first, so that it gives the bench's ratios. */
const SIZES = [1_000_000, 100_000, 10_000, 1_000] as const;

/** Small sizes are repeated up to this many tasks, or one short run would be all noise. */
const LEAST_TASKS = 100_000;

const WARM_UP_TASKS = 20_000;

interface Candidate {
  readonly name: string;
  readonly open: OpenQueue<PausableQueue>;
  readonly isOurs?: boolean;
}

const ONE_SERVICE = { services: 1, concurrency: 10 };

const CANDIDATES: readonly Candidate[] = [
  { name: 'gaffr', open: openGaffr({ ...ONE_SERVICE, fastLane: true }), isOurs: true },
  { name: 'gaffr, plain lane', open: openGaffr({ ...ONE_SERVICE, fastLane: false }), isOurs: true },
  { name: 'p-queue', open: openPQueue },
  { name: 'fastq', open: openFastq },
];

export const growth: Bench = {
  name: 'growth',
  measures:
    'Cost per task and bytes per queued task when 1,000 to 1,000,000 tasks wait: submitted to a paused queue, ' +
    'weighed after a full collection, then run ten at a time.',
  doesNotMeasure:
    'The texts and the array of promises, which the caller holds; queues that grow while they are worked off; the ' +
    'highest heap during the run.',
  contestants: SIZES.flatMap((size) => CANDIDATES.map((candidate) => contestantOf(candidate, size))),
  metric: { name: 'tasksPerSecond', better: 'higher' },
  figureColumns: { bytesPerQueuedTask: 'bytes per queued task' },
  derive: (results) => ({ cpuGrowth: cpuGrowthOf(results) }),
};

function contestantOf({ name, open, isOurs = false }: Candidate, size: number): Contestant {
  return {
    name: nameAt(name, size),
    label: name,
    group: `${size.toLocaleString('en')} queued`,
    isOurs,
    run: (stopwatch) => runPaused(stopwatch, { open, size, read: isOurs ? answerIn : (answer) => answer }),
  };
}

function nameAt(name: string, size: number): string {
  return `${name} at ${size.toExponential(0).replace('+', '')}`;
}

/** CPU time per task with a million queued, divided by that with ten thousand. */
function cpuGrowthOf(results: readonly Result[]): Record<string, number> {
  const cpuOf = (name: string, size: number): number | undefined =>
    results.find(({ contestant }) => contestant === nameAt(name, size))?.cpuMicrosPerTask;
  const growths = CANDIDATES.map(({ name }): [string, number] => [
    name,
    Number(((cpuOf(name, 1e6) ?? Number.NaN) / (cpuOf(name, 1e4) ?? Number.NaN)).toFixed(3)),
  ]);
  return Object.fromEntries(growths.filter(([, growth]) => !Number.isNaN(growth)));
}

async function runPaused(
  stopwatch: Stopwatch,
  load: {
    readonly open: OpenQueue<PausableQueue>;
    readonly size: number;
    readonly read: (answer: unknown) => unknown;
  },
): Promise<Sample> {
  const { open, size, read } = load;
  for (let count = 0; count < 2; count += 1) await (await open(inMicrotask)).run(textsOf(WARM_UP_TASKS));
  const queue = await open(inMicrotask);
  const texts = textsOf(size);
  const answers = new Array<Promise<unknown>>(size);
  const rounds = Math.max(1, LEAST_TASKS / size);
  const total = { tasks: 0, wallMs: 0, cpuMicros: 0 };
  const bytes: number[] = [];
  const add = ({ wallMs, cpuMicros }: Sample): void => {
    total.wallMs += wallMs;
    total.cpuMicros += cpuMicros;
  };
  for (let round = 0; round < rounds; round += 1) {
    queue.pause();
    answers.fill(Promise.resolve());
    const emptyBytes = heapUsedBytes();
    add(
      await stopwatch.time(size, async () => {
        for (let index = 0; index < size; index += 1) answers[index] = queue.submit(texts[index] as string);
        // Queues that take submissions in a microtask have taken them by then.
        await new Promise(setImmediate);
      }),
    );
    bytes.push((heapUsedBytes() - emptyBytes) / size);
    const ended = await stopwatch.time(size, async () => {
      queue.resume();
      return Promise.all(answers);
    });
    add(ended);
    checkLengths(texts, ended.value.map(read));
    total.tasks += size;
  }
  return { ...total, figures: { bytesPerQueuedTask: median(bytes) } };
}

function heapUsedBytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createOrchestrator, ExecutionConfig, type OrchestratorOptions } from 'gaffr';
import type { Bench, Contestant, Sample } from './bench.js';
import type { Stopwatch } from './stopwatch.js';

/** How many tasks are under way at once. */
const IN_FLIGHT = [1, 16, 64] as const;
/** Tasks of a timed run for each task in flight: a disk is slow, and a run must end. */
const TASKS_PER_LANE = 1000;
const WARM_UP_TASKS_PER_LANE = 50;

/** One engine with its options. */
interface Shape {
  readonly label: string;
  readonly note?: string;
  readonly isIdempotent?: boolean;
  engine(folder: string): NonNullable<OrchestratorOptions['engine']>;
}

const journal = (folder: string) => ({ kind: 'journal' as const, path: join(folder, 'tasks.journal') });

const LOCAL: Shape = { label: 'local', engine: () => ({ kind: 'local' }) };

const JOURNALS: readonly Shape[] = [
  {
    label: 'journal',
    note: 'acceptance, start and end are synced to the disk before the next step',
    engine: journal,
  },
  {
    label: 'journal, idempotent service',
    note: 'an attempt that may be repeated does not wait for the record of its start',
    isIdempotent: true,
    engine: journal,
  },
  {
    label: 'journal, synchronous: normal',
    note: 'survives the process, not a power failure',
    engine: (folder) => ({ ...journal(folder), synchronous: 'normal' }),
  },
];

export const engines: Bench = {
  name: 'engines',
  measures:
    'Tasks of no work, each submitted when an earlier one of its lane was answered: how many a second an engine accepts, ' +
    'runs and answers. What the disk needs to sync 4 KiB stands beside it: the journal syncs once per turn of the event loop.',
  doesNotMeasure:
    'Real work; recovery (npm run crash); a journal that has grown for weeks. Figures of one disk say nothing of another.',
  contestants: IN_FLIGHT.flatMap((inFlight) => [
    ...JOURNALS.map((shape) => contestantOf(shape, inFlight, true)),
    contestantOf(LOCAL, inFlight, false),
  ]),
  metric: { name: 'tasksPerSecond', better: 'higher' },
  figureColumns: { syncMicros: 'µs per sync' },
};

function contestantOf(shape: Shape, inFlight: number, isOurs: boolean): Contestant {
  const { label, note } = shape;
  return {
    name: `${label}, ${inFlight} in flight`,
    label,
    group: `${inFlight} in flight`,
    isOurs,
    ...(note !== undefined && { note }),
    run: (stopwatch) => runEngine(stopwatch, { shape, inFlight }),
  };
}

/** Runs an engine in a folder of its own, and checks every answer. */
export async function runEngine(
  stopwatch: Stopwatch,
  {
    shape,
    inFlight,
    tasksPerLane = TASKS_PER_LANE,
  }: { readonly shape: Shape; readonly inFlight: number; readonly tasksPerLane?: number },
): Promise<Sample> {
  const folder = mkdtempSync(join(tmpdir(), 'gaffr-bench-'));
  const syncMicros = microsPerSync(folder);
  const orchestrator = createOrchestrator({
    engine: shape.engine(folder),
    services: { echo: { service: (task) => task, idempotent: shape.isIdempotent ?? false } },
    config: ExecutionConfig.create({ maxParallel: inFlight, fallbackService: null }),
  });
  const run = (perLane: number): Promise<unknown> =>
    Promise.all(
      Array.from({ length: inFlight }, async () => {
        for (let count = 0; count < perLane; count += 1) {
          const { result } = await orchestrator.execute('work', { service: 'echo' });
          if (result !== 'work') throw new Error(`The answer is ${JSON.stringify(result)}.`);
        }
      }),
    );
  try {
    await run(Math.min(WARM_UP_TASKS_PER_LANE, tasksPerLane));
    const { value: _, ...sample } = await stopwatch.time(inFlight * tasksPerLane, () => run(tasksPerLane));
    return { ...sample, figures: { syncMicros } };
  } finally {
    await orchestrator.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What the disk needs to take 4 KiB for good, in microseconds: the median of a few. */
function microsPerSync(folder: string): number {
  const path = join(folder, 'sync');
  const file = openSync(path, 'w');
  const page = Buffer.alloc(4096, 1);
  const micros = Array.from({ length: 50 }, () => {
    const startedMs = performance.now();
    writeSync(file, page);
    fdatasyncSync(file);
    return (performance.now() - startedMs) * 1000;
  });
  closeSync(file);
  rmSync(path);
  return micros.sort((a, b) => a - b)[25] ?? 0;
}

/** For tests: every engine of the bench. */
export const ENGINE_SHAPES: readonly Shape[] = [LOCAL, ...JOURNALS];

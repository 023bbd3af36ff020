import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createOrchestrator, ExecutionConfig, type Orchestrator, type OrchestratorOptions } from 'gaffr';
import type { Bench, Contestant, Sample } from './bench.js';
import { startRestate, whyNoRestate } from './clients/restate.js';
import { median } from './statistics.js';
import type { Stopwatch } from './stopwatch.js';

/** How many tasks are under way at once. */
const IN_FLIGHT = [1, 16, 64] as const;
/** Tasks of a timed run for each task in flight: a disk is slow, and a run must end. */
const TASKS_PER_LANE = 1000;
const WARM_UP_TASKS_PER_LANE = 50;

/** The same with services that take a moment, as all real ones do: what durability costs beside work. */
const AT_WORK = { inFlight: 16, workMs: 1, tasksPerLane: 300 } as const;

/** The same with a server, which every task crosses several times. */
const AT_A_SERVER = { inFlight: [1, 16, 32], tasksPerLane: 150 } as const;

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
    note: 'acceptance and end are synced to the disk before the next step; a service that is not named would cost one sync more',
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
    'Tasks of no work, and then of a millisecond each, submitted when an earlier one of their lane was answered: how many a ' +
    'second an engine accepts, runs and answers. What the disk needs to sync 4 KiB stands beside it: the journal syncs once per turn of the event loop.',
  doesNotMeasure:
    'Recovery (npm run crash); a journal that has grown for weeks. Figures of one disk say nothing of another.',
  contestants: [
    ...IN_FLIGHT.flatMap((inFlight) => [
      ...JOURNALS.map((shape) => contestantOf({ shape, inFlight })),
      contestantOf({ shape: LOCAL, inFlight }),
    ]),
    ...[...JOURNALS, LOCAL].map((shape) => contestantOf({ shape, ...AT_WORK })),
    ...AT_A_SERVER.inFlight.map(restateWith),
  ],
  metric: { name: 'tasksPerSecond', better: 'higher' },
  figureColumns: { syncMicros: 'µs per sync', p50Millis: 'ms a task, p50' },
};

function contestantOf(run: EngineRun): Contestant {
  const { shape, inFlight, workMs } = run;
  const { label, note } = shape;
  const group = `${inFlight} in flight${workMs === undefined ? '' : `, ${workMs} ms of work`}`;
  return {
    name: `${label}, ${group}`,
    label,
    group,
    isOurs: shape !== LOCAL,
    ...(note !== undefined && { note }),
    run: (stopwatch) => runEngine(stopwatch, run),
  };
}

function restateWith(inFlight: number): Contestant {
  return {
    name: `restate, ${inFlight} in flight`,
    label: 'restate',
    group: `${inFlight} in flight`,
    isOurs: true,
    note: 'server, worker and the process that hands over share the machine; CPU is that of the last',
    whyNot: whyNoRestate,
    run: (stopwatch) => runRestate(stopwatch, inFlight),
  };
}

/** Runs the engine `restate` with a server and a worker of its own, and checks every answer. */
async function runRestate(stopwatch: Stopwatch, inFlight: number): Promise<Sample> {
  const restate = await startRestate(inFlight);
  const { ingressUrl, adminUrl } = restate;
  const orchestrator = openOrchestrator({ kind: 'restate', ingressUrl, adminUrl }, inFlight, true);
  const { tasksPerLane } = AT_A_SERVER;
  const millis: number[] = [];
  try {
    await keepBusy(orchestrator, { inFlight, tasksPerLane: WARM_UP_TASKS_PER_LANE });
    const { value: _, ...sample } = await stopwatch.time(inFlight * tasksPerLane, () =>
      keepBusy(orchestrator, { inFlight, tasksPerLane, onTask: (ms) => millis.push(ms) }),
    );
    return { ...sample, figures: { p50Millis: median(millis) } };
  } finally {
    await orchestrator.close();
    await restate.close();
  }
}

/** A run of an engine in this process. */
interface EngineRun {
  readonly shape: Shape;
  readonly inFlight: number;
  /** How long the service takes; it answers at once when this is left out. */
  readonly workMs?: number;
  readonly tasksPerLane?: number;
}

/** Runs an engine in a folder of its own, and checks every answer. */
export async function runEngine(
  stopwatch: Stopwatch,
  { shape, inFlight, workMs, tasksPerLane = TASKS_PER_LANE }: EngineRun,
): Promise<Sample> {
  const folder = mkdtempSync(join(tmpdir(), 'gaffr-bench-'));
  const syncMicros = microsPerSync(folder);
  const orchestrator = openOrchestrator(shape.engine(folder), inFlight, shape.isIdempotent ?? false, workMs);
  const run = (perLane: number): Promise<void> => keepBusy(orchestrator, { inFlight, tasksPerLane: perLane });
  try {
    await run(Math.min(WARM_UP_TASKS_PER_LANE, tasksPerLane));
    const { value: _, ...sample } = await stopwatch.time(inFlight * tasksPerLane, () => run(tasksPerLane));
    return { ...sample, figures: { syncMicros } };
  } finally {
    await orchestrator.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function openOrchestrator(
  engine: OrchestratorOptions['engine'] & {},
  maxParallel: number,
  idempotent: boolean,
  workMs?: number,
): Orchestrator {
  return createOrchestrator({
    engine,
    services: {
      echo: { service: (task) => (workMs === undefined ? task : sleep(workMs, task)), idempotent },
    },
    config: ExecutionConfig.create({ maxParallel, fallbackService: null }),
  });
}

interface Load {
  readonly inFlight: number;
  readonly tasksPerLane: number;
  /** Told how long each task took, in milliseconds. */
  readonly onTask?: (ms: number) => void;
}

/** Keeps so many tasks in flight until every lane has had its number of them. @throws Error for a wrong answer. */
async function keepBusy(orchestrator: Orchestrator, { inFlight, tasksPerLane, onTask }: Load): Promise<void> {
  const lanes = Array.from({ length: inFlight }, async () => {
    for (let count = 0; count < tasksPerLane; count += 1) {
      const startedMs = onTask && performance.now();
      const { result } = await orchestrator.execute('work', { service: 'echo' });
      if (result !== 'work') throw new Error(`The answer is ${JSON.stringify(result)}.`);
      if (startedMs !== undefined) onTask?.(performance.now() - startedMs);
    }
  });
  await Promise.all(lanes);
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

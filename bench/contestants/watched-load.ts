import { setTimeout as sleep } from 'node:timers/promises';
import type { Orchestrator } from 'gaffr';
import type { Sample } from '../bench.js';
import { watchPage } from '../clients/page-watcher.js';
import { slopePer } from '../statistics.js';
import { collectGarbage, type Stopwatch } from '../stopwatch.js';
import { inMacrotask } from './load.js';

/** Who looks on while the runtime works. */
export type Onlooker = 'page' | 'nobody' | 'no dashboard';

const TOKEN = 'a-token-for-the-bench-of-the-page';
const SERVICES = ['chat', 'vision', 'reasoning', 'responses'];
/** One task in so many fails, so that the list of failures is used too. */
const FAILS_EVERY = 50;
/** Time between two measurements of memory, and that before the first that counts, in milliseconds. */
const SAMPLE_MS = 3000;
const SETTLING_MS = 15_000;

/** Gives a runtime work, and checks every answer. */
export type WatchedWork = (orchestrator: Orchestrator) => Promise<void>;

/** Submits so many tasks each second, of two to four milliseconds each, for so long, and checks every answer. */
export function atRate(tasksPerSecond: number, seconds: number): { tasks: number; work: WatchedWork } {
  const tasks = tasksPerSecond * seconds;
  return {
    tasks,
    async work(orchestrator) {
      const beganMs = performance.now();
      let [submitted, open] = [0, 0];
      let fault: unknown;
      // Answers are counted and not kept: a list of them would grow by itself.
      const submit = (): void => {
        open += 1;
        ask(orchestrator, submitted++)
          .catch((cause: unknown) => {
            fault ??= cause;
          })
          .finally(() => {
            open -= 1;
          });
      };
      while (submitted < tasks || open > 0) {
        const due = Math.ceil(((performance.now() - beganMs) / 1000) * tasksPerSecond);
        while (submitted < Math.min(tasks, due)) submit();
        if (fault !== undefined) throw fault;
        await sleep(2);
      }
    },
  };
}

/** Submits batches one after another as fast as they are answered. */
export function asFastAsItCan(batches: number, size: number): { tasks: number; work: WatchedWork } {
  const batch = Array.from({ length: size }, (_, index) => ({
    task: 'x'.repeat(1 + (index % 7)),
    service: serviceOf(index),
  }));
  return {
    tasks: batches * size,
    async work(orchestrator) {
      for (let count = 0; count < batches; count += 1) {
        const results = await orchestrator.executeParallel(batch);
        for (const [index, { result }] of results.entries()) {
          if (result !== 1 + (index % 7)) throw new Error(`Task ${index} was answered ${result}.`);
        }
      }
    },
  };
}

/** Works on a fresh runtime while somebody looks on, or not. */
export async function runWatched(
  stopwatch: Stopwatch,
  onlooker: Onlooker,
  {
    tasks,
    work,
    warmUp,
    isTimed,
  }: { tasks: number; work: WatchedWork; warmUp: WatchedWork; isTimed: boolean },
): Promise<Sample> {
  const { createOrchestrator, ExecutionConfig } = await import('gaffr');
  const service = isTimed ? timed : inMacrotask;
  const orchestrator = createOrchestrator({
    services: Object.fromEntries(SERVICES.map((name) => [name, service])),
    config: ExecutionConfig.create({ maxParallel: 40, maxRetries: 1, circuitFailures: 1_000_000 }),
  });
  const dashboard = onlooker === 'no dashboard' ? null : await openDashboard(orchestrator);
  const watcher = onlooker === 'page' && dashboard !== null ? await watchPage(dashboard.urlWithToken) : null;
  await warmUp(orchestrator);
  const memory = watchMemory();
  const { value: _, ...sample } = await stopwatch.time(tasks, () => work(orchestrator));
  const server = memory.end();
  const page = await watcher?.end();
  await dashboard?.close();
  await orchestrator.close({ drainSeconds: 0 });
  const slopeOf = (points: readonly { atMs: number; bytes: number }[]): number =>
    slopePer(
      60_000,
      points.filter(({ atMs }) => atMs >= SETTLING_MS).map(({ atMs, bytes }) => [atMs, bytes / 1000]),
    );
  return {
    ...sample,
    figures: {
      ...(isTimed && {
        serverHeapMb: (server.at(-1)?.bytes ?? 0) / 1e6,
        serverKbPerMinute: slopeOf(server),
      }),
      ...(page !== undefined && updatesOf(page.samples)),
      ...(page !== undefined &&
        isTimed && {
          pageHeapMb: (page.samples.at(-1)?.heapBytes ?? 0) / 1e6,
          pageKbPerMinute: slopeOf(page.samples.map(({ atMs, heapBytes }) => ({ atMs, bytes: heapBytes }))),
          pageNodes: page.samples.at(-1)?.nodes ?? 0,
        }),
    },
    details: { server, page: page?.samples ?? null },
  };
}

async function openDashboard(
  orchestrator: object,
): Promise<{ urlWithToken: string; close(): Promise<void> }> {
  const path = new URL('../../../dist/inspect/dashboard/serve-dashboard.js', import.meta.url).href;
  const { serveDashboard } = await import(path);
  const silent = (): void => {};
  const log = { debug: silent, info: silent, warn: silent, error: silent };
  return serveDashboard(orchestrator, { port: 0, token: TOKEN, version: '0.0.0', log });
}

async function ask(orchestrator: Orchestrator, index: number): Promise<void> {
  const task = `task ${index} ${'x'.repeat(index % 50)}`;
  const { success, result, errorCode } = await orchestrator.execute(task, { service: serviceOf(index) });
  const isRight =
    index % FAILS_EVERY === 0 ? errorCode === 'SERVICE_FAILED' : success && result === task.length;
  if (!isRight) throw new Error(`Task ${index} was answered ${result} (${errorCode}).`);
}

async function timed(task: string): Promise<number> {
  const index = Number(task.split(' ')[1]);
  await sleep(2 + (index % 3));
  if (index % FAILS_EVERY === 0)
    throw Object.assign(new Error('not this one'), { retryable: index % 100 === 0 });
  return task.length;
}

function serviceOf(index: number): string {
  return SERVICES[index % SERVICES.length] as string;
}

/** Measures the heap of this process, without garbage, while others work. */
function watchMemory(): { end(): { atMs: number; bytes: number }[] } {
  const beganMs = performance.now();
  const samples: { atMs: number; bytes: number }[] = [];
  const timer = setInterval(() => {
    collectGarbage();
    samples.push({ atMs: performance.now() - beganMs, bytes: process.memoryUsage().heapUsed });
  }, SAMPLE_MS);
  return {
    end() {
      clearInterval(timer);
      return samples;
    },
  };
}

/** Updates of the page per second: of the whole time, and of the slowest stretch between two samples. */
function updatesOf(samples: readonly { atMs: number; updates: number }[]): Record<string, number> {
  const rates = samples.slice(1).map(({ atMs, updates }, index) => {
    const before = samples[index] as { atMs: number; updates: number };
    return ((updates - before.updates) * 1000) / (atMs - before.atMs);
  });
  const [first, last] = [samples[0], samples.at(-1)];
  if (first === undefined || last === undefined || last === first) return {};
  return {
    updatesPerSecond: ((last.updates - first.updates) * 1000) / (last.atMs - first.atMs),
    leastUpdatesPerSecond: Math.min(...rates),
  };
}

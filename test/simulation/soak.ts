/**
 * Sends many tasks of every outcome through one orchestrator in real time and watches what is left behind:
 * `npm run soak -- --tasks 1000000`.
 *
 * --tasks N  how many (default 1,000,000)
 * --json     the last line is JSON
 *
 * Bounds: the heap after a collection grows by at most 1 MB per 100,000 tasks (slope of a linear regression over the second
 * half, when every cache is warm), RSS stays below 350 MB, and timers, handles and abort listeners are back to the start at
 * the end. Exit code 1 when one breaks. Needs `node --expose-gc`.
 */
import { parseArgs } from 'node:util';
import { silentLog } from '../../src/core/environment.js';
import {
  createOrchestrator,
  ExecutionConfig,
  OrchestratorError,
  type TaskOptions,
  type TaskResult,
} from '../../src/index.js';
import { CountedSignal } from './client.js';
import { mulberry32 } from './random.js';

const SAMPLE_EVERY = 50_000;
const BATCH = 1000;
/** Idempotency keys in use: few enough that all are known before the heap is judged. */
const KEYS = 2000;
const MOST_SLOPE_MB = 1;
const MOST_RSS_MB = 350;
const BYTES_PER_MB = 1024 * 1024;

interface Sample {
  readonly tasks: number;
  readonly heapMb: number;
}

const { values } = parseArgs({
  options: { tasks: { type: 'string', default: '1000000' }, json: { type: 'boolean', default: false } },
});
const total = Number(values.tasks);
const random = mulberry32(20_26);

await drained();
const resourcesBefore = resources();
const orchestrator = createOrchestrator({
  services: {
    sync: (task) => task,
    later: async (task) => task,
    refuses: () => {
      throw new OrchestratorError('NEEDS_INPUT', 'Name a file.');
    },
    fails: () => Promise.reject(new Error('down')),
    hangs: (_task, { signal }) =>
      new Promise((_, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
      ),
  },
  log: silentLog,
  config: ExecutionConfig.create({
    maxParallel: 10,
    maxRetries: 0,
    circuitFailures: Number.POSITIVE_INFINITY,
    circuitCooldownSeconds: 0.001,
    circuitCooldownCapSeconds: 0.001,
    fallbackService: null,
  }),
});
const shared = new CountedSignal();
const counts: Record<string, number> = {};
const samples: Sample[] = [];
let mostRssMb = 0;
const startMs = performance.now();
for (let done = 0; done < total; ) {
  const size = Math.min(BATCH, total - done);
  await Promise.all(Array.from({ length: size }, () => runOne()));
  done += size;
  if (done % SAMPLE_EVERY === 0 || done === total) await sample(done);
}
const seconds = (performance.now() - startMs) / 1000;
const stats = orchestrator.stats();
await orchestrator.close({ drainSeconds: 1 });
await drained();
report();

/** One task: most complete, some are refused, fail, or are cancelled while they wait or run. */
async function runOne(): Promise<void> {
  const dice = random();
  const count = ({ status }: TaskResult): void => {
    counts[status] = (counts[status] ?? 0) + 1;
  };
  if (dice < 0.4) count(await orchestrator.execute('a task', { service: 'sync' }));
  else if (dice < 0.7) count(await orchestrator.execute('a task', options('later')));
  else if (dice < 0.8) count(await orchestrator.execute('a task', options('refuses')));
  else if (dice < 0.85) count(await orchestrator.execute('a task', options('fails')));
  else {
    const handle = orchestrator.submit('a task', options(dice < 0.95 ? 'hangs' : 'later'));
    if (dice < 0.9) await null;
    handle.cancel();
    count(await handle.result());
  }
}

function options(service: string): TaskOptions {
  return {
    service,
    ...(random() < 0.3 ? { signal: shared.signal } : {}),
    ...(random() < 0.2 ? { deadlineSeconds: 3600, queueTimeoutSeconds: 3600 } : {}),
    ...(random() < 0.1 ? { idempotencyKey: `key ${Math.floor(random() * KEYS)}`, priority: 1 } : {}),
  };
}

async function sample(tasks: number): Promise<void> {
  await drained();
  globalThis.gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  mostRssMb = Math.max(mostRssMb, rss / BYTES_PER_MB);
  samples.push({ tasks, heapMb: heapUsed / BYTES_PER_MB });
  if (!values.json) console.log(`${tasks} tasks: heap ${(heapUsed / BYTES_PER_MB).toFixed(2)} MB`);
}

/** Megabytes per 100,000 tasks, by least squares. */
function slopeMb(points: readonly Sample[]): number {
  const n = points.length;
  if (n < 2) return 0;
  const meanX = points.reduce((sum, { tasks }) => sum + tasks, 0) / n;
  const meanY = points.reduce((sum, { heapMb }) => sum + heapMb, 0) / n;
  const over = points.reduce((sum, { tasks, heapMb }) => sum + (tasks - meanX) * (heapMb - meanY), 0);
  const under = points.reduce((sum, { tasks }) => sum + (tasks - meanX) ** 2, 0);
  return (over / under) * 100_000;
}

function report(): void {
  const slope = slopeMb(samples.slice(Math.floor(samples.length / 2)));
  const resourcesAfter = resources();
  const left = resourcesAfter.filter((name) => !resourcesBefore.includes(name));
  const { submitted, queued, running, retrying, abandoned } = stats;
  const faults = [
    globalThis.gc === undefined ? 'run with node --expose-gc' : null,
    slope > MOST_SLOPE_MB ? `the heap grows by ${slope.toFixed(2)} MB per 100,000 tasks` : null,
    mostRssMb > MOST_RSS_MB ? `RSS reached ${mostRssMb.toFixed(0)} MB` : null,
    resourcesAfter.length > resourcesBefore.length ? `left behind: ${left.join(', ')}` : null,
    shared.listeners > 0 ? `${shared.listeners} abort listeners are left` : null,
    queued + running + retrying + abandoned > 0 ? `not settled: ${JSON.stringify(stats)}` : null,
  ].filter((fault) => fault !== null);
  for (const fault of faults) console.log(fault);
  if (faults.length > 0) process.exitCode = 1;
  const round = (value: number): number => Math.round(value * 100) / 100;
  const figures = {
    tasks: total,
    submitted,
    ...counts,
    slopeMbPer100k: round(slope),
    heapMb: round(samples.at(-1)?.heapMb ?? 0),
    mostRssMb: Math.round(mostRssMb),
    seconds: round(seconds),
    tasksPerSecond: Math.round(total / seconds),
    faults: faults.length,
  };
  const text = Object.entries(figures).map(([name, value]) => `${name} ${value}`);
  console.log(values.json ? JSON.stringify(figures) : text.join(', '));
}

/** What keeps the process alive, apart from its own streams. */
function resources(): string[] {
  return process
    .getActiveResourcesInfo()
    .filter((name) => !['TTYWrap', 'PipeWrap', 'FSReqCallback'].includes(name));
}

function drained(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

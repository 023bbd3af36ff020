/**
 * A process that is going to be killed: keeps sixteen tasks in flight on an engine and writes down what it was promised.
 * `node child.mjs <journal> <log> <life>`; with the life `last` it only ends what is left.
 *
 * Lines of the log, each written at once: `A id` accepted, `R id status` result, `X id attempt service` an attempt began.
 */
import { openSync, writeSync } from 'node:fs';
import { createOrchestrator, ExecutionConfig } from 'gaffr';

const [path = '', logPath = '', life = ''] = process.argv.slice(2);
const IN_FLIGHT = 16;
// The operating system keeps what was written when a process is killed.
const log = openSync(logPath, 'a');
/** @param {string} line */
const note = (line) => writeSync(log, `${line}\n`);

/** @type {(service: string) => import('gaffr').ServiceFunction} */
const execute =
  (service) =>
  async (task, { taskId, attempt }) => {
    note(`X ${taskId} ${attempt} ${service}`);
    if (task === 'slow') await new Promise((resolve) => setTimeout(resolve, 1));
    return task;
  };

const startedMs = performance.now();
const orchestrator = createOrchestrator({
  engine: { kind: 'journal', path, keepTasks: 5000, mostCrashes: 1000 },
  services: {
    safe: { service: execute('safe'), idempotent: true },
    unsafe: { service: execute('unsafe') },
  },
  config: ExecutionConfig.create({ maxParallel: IN_FLIGHT, fallbackService: null }),
});
await orchestrator.onIdle();
const endedMs = performance.now();
// The second from the start of the process, Node's own and the import included.
process.send?.({ recoveryMs: endedMs - startedMs, restartMs: endedMs });

if (life === 'last') {
  await orchestrator.close();
  process.disconnect();
} else for (let lane = 0; lane < IN_FLIGHT; lane += 1) void keepBusy(lane);

/** @param {number} lane */
async function keepBusy(lane) {
  for (let count = 0; ; count += 1) {
    const taskId = `${life}.${lane}.${count}`;
    const service = count % 2 === 0 ? 'safe' : 'unsafe';
    const handle = orchestrator.submit(count % 8 === 0 ? 'slow' : 'quick', { taskId, service });
    if (await handle.accepted()) note(`A ${taskId}`);
    const { status } = await handle.result();
    note(`R ${taskId} ${status}`);
  }
}

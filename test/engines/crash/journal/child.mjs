/**
 * A process that is going to be killed: keeps sixteen tasks in flight on an engine and writes down what it was promised.
 * `node child.mjs <journal> <log> <life>`; with the life `last` it only ends what is left.
 *
 * Lines of the log, each written at once: `A id` accepted, `R id status` result, `X id attempt service` an attempt began.
 */
import { openSync, writeSync } from 'node:fs';
import { createOrchestrator, ExecutionConfig } from 'gaffr';

const [path = '', logPath = '', life = '', load = 'small'] = process.argv.slice(2);
const IN_FLIGHT = 16;
const isMixed = load === 'mixed';
const SLOW_MS = isMixed ? 30 : 1;
const LARGE_CHARS = isMixed ? 6000 : 0;
const KEPT = isMixed ? { keepTasks: 100, keepFailedTasks: 50 } : { keepTasks: 5000 };
/** How long a lane that was refused waits, in milliseconds. */
const PATIENCE_MS = 5;
// The operating system keeps what was written when a process is killed.
const log = openSync(logPath, 'a');
/** @param {string} line */
const note = (line) => writeSync(log, `${line}\n`);

/** @param {number} ms */
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** @type {(service: string) => import('gaffr').ServiceFunction} */
const execute =
  (service) =>
  async (task, { taskId, attempt }) => {
    note(`X ${taskId} ${attempt} ${service}`);
    if (task === 'slow') await pause(SLOW_MS);
    return task;
  };

// Nobody reads what it writes any more.
process.on('disconnect', () => process.exit());

const startedMs = performance.now();
const orchestrator = createOrchestrator({
  engine: { kind: 'journal', path, ...KEPT, mostCrashes: 1000 },
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
} else if (isMixed) process.once('message', beBusy);
else beBusy();

function beBusy() {
  for (let lane = 0; lane < IN_FLIGHT; lane += 1) void keepBusy(lane);
  if (isMixed) void keepAsking();
}

/** @param {number} lane */
async function keepBusy(lane) {
  for (let count = 0; ; count += 1) {
    // So that at any moment there are tasks of each kind, if they are to be mixed.
    const turn = isMixed ? count + lane : count;
    const kwargs = turn % 10 === 1 ? { padding: 'x'.repeat(LARGE_CHARS) } : {};
    const service = count % 2 === 0 ? 'safe' : 'unsafe';
    const status = await hand(turn % 8 === 0 ? 'slow' : 'quick', {
      taskId: `${life}.${lane}.${count}`,
      service,
      kwargs,
    });
    if (status === 'rejected') await pause(PATIENCE_MS);
  }
}

/** Whether tasks are accepted is to be seen while all that are in flight wait for room, too. */
async function keepAsking() {
  for (let count = 0; ; count += 1) {
    void hand('quick', { taskId: `${life}.x.${count}`, service: 'safe' });
    await pause(PATIENCE_MS);
  }
}

/**
 * @param {string} task
 * @param {import('gaffr').TaskOptions & { readonly taskId: string }} options
 */
async function hand(task, options) {
  const { taskId } = options;
  const handle = orchestrator.submit(task, options);
  if (await handle.accepted()) note(`A ${taskId}`);
  const { status, errorCode } = await handle.result();
  note(`R ${taskId} ${status} ${errorCode ?? '-'}`);
  return status;
}

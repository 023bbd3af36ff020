// A worker that is going to be killed: `node --import tsx worker-process.mjs <engine, JSON> <log> <port>`. Its services write a line
// when an attempt begins, and end after the wait that the task names, in milliseconds. The worker's address goes to stdout.
import { appendFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { silentLog } from '../../src/core/environment.ts';
import { startWorker } from '../../src/worker.ts';

const [engine = '', log = '', port = ''] = process.argv.slice(2);

/** @type {(service: string) => (task: string, context: { attempt: number, signal: AbortSignal }) => Promise<string>} */
const execute =
  (service) =>
  async (task, { attempt, signal }) => {
    appendFileSync(log, `${service} ${attempt}\n`);
    await setTimeout(Number(task), undefined, { signal });
    return `${service} ${process.pid}`;
  };

const worker = await startWorker({
  services: { safe: { service: execute('safe'), idempotent: true }, once: execute('once') },
  engine: JSON.parse(engine),
  port: Number(port),
  log: silentLog,
});
process.stdout.write(`${worker.url}\n`);
process.once('SIGTERM', () => void worker.close({ drainSeconds: 0 }));

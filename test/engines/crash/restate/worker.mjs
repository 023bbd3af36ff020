/**
 * A worker that is going to be killed: `node worker.mjs <ingress> <admin> <port> <log>`. Says `ready` to its parent.
 *
 * Lines of the log, each written at once: `S pid ms taskId attempt service` an attempt began, `E … ending` it ended.
 */
import { openSync, writeSync } from 'node:fs';
import { startWorker } from 'gaffr/worker';
import { config, servicesThatTell } from './services.mjs';

const [ingressUrl = '', adminUrl = '', port = '', logPath = ''] = process.argv.slice(2);
// The operating system keeps what was written when a process is killed, and the order over all processes.
const log = openSync(logPath, 'a');
/** @type {(kind: 'S' | 'E', attempt: import('./services.mjs').Attempt, ending?: string) => void} */
const note = (kind, { taskId, attempt, service }, ending = '') => {
  writeSync(log, `${[kind, process.pid, Date.now(), taskId, attempt, service, ending].join(' ')}\n`);
};

await startWorker({
  services: servicesThatTell({
    begun: (attempt) => note('S', attempt),
    ended: (attempt, ending) => note('E', attempt, ending),
  }),
  config,
  engine: { kind: 'restate', ingressUrl, adminUrl, timeoutSeconds: 60 },
  port: Number(port),
});
process.send?.('ready');
process.once('disconnect', () => process.exit());

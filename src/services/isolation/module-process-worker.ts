/** The process that runs the attempts of one module; it leads a process group of its own. */
import { Worker } from 'node:worker_threads';
import { type ModuleJob, type ModuleSettings, moduleJobs } from './module-jobs.js';
import { serveJobs } from './serve-jobs.js';

/** The pipe that the host holds open as long as it lives. */
const LIFELINE_FD = 4;

const endAll = (): void => {
  process.kill(process.platform === 'win32' ? process.pid : -process.pid, 'SIGKILL');
};

const send = process.send?.bind(process);
if (send === undefined) throw new Error('module-process-worker is the entry of a child with an ipc channel');
// The channel is ours: a module that looks whether it has a parent to talk to finds none. Without it we are of no use.
Reflect.deleteProperty(process, 'send');
process.once('disconnect', endAll);

// A host that is killed says nothing. The thread sees its end of the pipe close even while the module never yields.
const watch = `const { Socket } = require('node:net');
  const endAll = () => process.kill(process.platform === 'win32' ? process.pid : -process.pid, 'SIGKILL');
  new Socket({ fd: ${LIFELINE_FD} }).on('error', endAll).on('close', endAll).resume();`;
new Worker(watch, { eval: true, execArgv: [] }).unref();

serveJobs<ModuleJob>(
  {
    post: (message) => send(message),
    onMessage: (listener) => process.on('message', listener),
  },
  moduleJobs(JSON.parse(process.argv[2] ?? '') as ModuleSettings, () => process.exit(0)),
);

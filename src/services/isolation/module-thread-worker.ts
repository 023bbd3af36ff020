/** The thread that runs the attempts of one module. */
import { workerData } from 'node:worker_threads';
import { CappedOutput } from './capped-output.js';
import { type ModuleJob, type ModuleSettings, moduleJobs } from './module-jobs.js';
import { serveJobs } from './serve-jobs.js';
import { threadPort } from './thread-port.js';

// Our stdout may belong to a protocol: whatever a module prints goes to stderr, and not without end.
const toStderr = process.stderr.write.bind(process.stderr);
const outputs = [process.stdout, process.stderr].map((stream) => {
  const output = new CappedOutput((chunk) => toStderr(chunk));
  const write = (chunk: string | Uint8Array, encoding?: unknown, done?: unknown): boolean => {
    const charset = typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8';
    output.write(typeof chunk === 'string' ? Buffer.from(chunk, charset) : chunk);
    const callback = typeof encoding === 'function' ? encoding : done;
    if (typeof callback === 'function') queueMicrotask(() => callback());
    return true;
  };
  stream.write = write;
  return output;
});

serveJobs<ModuleJob>(threadPort(), {
  ...moduleJobs(workerData as ModuleSettings, () => process.exit(0)),
  begin: () => {
    for (const output of outputs) output.reset();
  },
});

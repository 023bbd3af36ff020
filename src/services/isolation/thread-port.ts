import { parentPort } from 'node:worker_threads';
import type { HostPort } from './serve-jobs.js';

/** The way from a worker thread to whoever started it. @throws Error outside a worker thread. */
export function threadPort<J>(): HostPort<J> {
  const port = parentPort;
  if (port === null) throw new Error('this file is the entry of a worker thread');
  return {
    post: (message) => port.postMessage(message),
    onMessage: (listener) => port.on('message', listener),
  };
}

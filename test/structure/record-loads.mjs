/**
 * `node --import ./record-loads.mjs file.js` prints a line `loaded <path>` on stdout for every module of the program,
 * however it is loaded. The file registers itself as the hooks of the module loader.
 */
import { writeSync } from 'node:fs';
import { createRequire, register } from 'node:module';
import { isMainThread } from 'node:worker_threads';

if (isMainThread) {
  register(import.meta.url);
  // What a CommonJS module requires does not pass the hooks; it is in the cache of require.
  process.on('exit', () => Object.keys(createRequire(import.meta.url).cache).forEach(print));
}

/** @type {import('node:module').LoadHook} */
export function load(url, context, nextLoad) {
  print(url);
  return nextLoad(url, context);
}

/** @param {string} path */
function print(path) {
  // Synchronous: the process ends without waiting for this thread's streams.
  writeSync(1, `loaded ${path}\n`);
}

export {
  config,
  expectAtRest,
  expectBooksToBalance,
  expectNothingUnhandled,
  recordingLog,
} from '../faults/support.js';
export { drained, manualService, simulated } from '../support/simulation.js';

/** `count` task texts, each its own. */
export const numbered = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `task ${index}`);

/** Notes whether a promise has resolved. */
export function watched(promise: Promise<unknown>): { readonly isDone: () => boolean } {
  let done = false;
  void promise.then(() => {
    done = true;
  });
  return { isDone: () => done };
}

/**
 * What the worker that is killed runs, and what the process that hands tasks over must know of it. The services take a
 * while, end when they are told to, and tell both.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ExecutionConfig } from 'gaffr';

/** Most attempts at once: over all services, and of `flaky`. */
export const MOST = { parallel: 8, flaky: 3 };

/** Limits of both processes. A backoff is short, and a fault of `flaky` opens no circuit. */
export const config = ExecutionConfig.create({
  maxParallel: MOST.parallel,
  fallbackService: null,
  backoffBaseSeconds: 0.05,
  retryBudgetRatio: 1,
});

/**
 * @typedef {{ taskId: string, attempt: number, service: string }} Attempt
 * @typedef {'done' | 'failed' | 'aborted'} Ending
 */

/**
 * @param {{ begun: (attempt: Attempt) => void, ended: (attempt: Attempt, ending: Ending) => void }} told
 * @returns {Record<string, import('gaffr').ServiceInput>} Of two services the attempts may be repeated; `flaky` fails at the
 * first attempt of each task.
 */
export function servicesThatTell({ begun, ended }) {
  /** @type {(service: string) => import('gaffr').ServiceFunction} */
  const execute =
    (service) =>
    async (task, { taskId, attempt, signal }) => {
      const which = { taskId, attempt, service };
      begun(which);
      // An attempt that was told to end is abandoned: it counts no more, and another may begin in the same turn.
      signal.addEventListener('abort', () => ended(which, 'aborted'));
      await sleep(Number(task), undefined, { signal });
      const fails = service === 'flaky' && attempt === 1;
      ended(which, fails ? 'failed' : 'done');
      if (fails) throw { code: 'SERVICE_FAILED', message: 'busy', retryable: true, data: { status: 429 } };
      return taskId;
    };
  return {
    safe: { service: execute('safe'), idempotent: true },
    unsafe: { service: execute('unsafe'), idempotent: false },
    flaky: { service: execute('flaky'), idempotent: true, concurrency: MOST.flaky },
  };
}

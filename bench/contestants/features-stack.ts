import type PQueue from 'p-queue';
import type pRetry from 'p-retry';
import type pTimeout from 'p-timeout';
import {
  BACKOFF_MS,
  type FeatureLoad,
  type FeatureTask,
  MAX_RETRIES,
  type OpenFeatures,
  TIMEOUT_SECONDS,
} from './features-load.js';
import { MAX_PARALLEL } from './queue.js';

/** The three packages, and a queue that the load's listener hears. */
interface Stack {
  readonly queue: PQueue;
  readonly retry: typeof pRetry;
  readonly timeout: typeof pTimeout;
}

const RETRIES = { retries: MAX_RETRIES, minTimeout: BACKOFF_MS };
const TIMEOUT = { milliseconds: TIMEOUT_SECONDS * 1000 };

/** The queue runs the retries, and these the timeouts. */
export const openStack: OpenFeatures = (load) =>
  openWith(load, ({ queue, retry, timeout }, { text, priority, controller }) => {
    const signal = controller && { signal: controller.signal };
    return queue.add(() => retry(() => timeout(load.work(text), TIMEOUT), { ...RETRIES, ...signal }), {
      priority,
      ...signal,
    });
  });

/** The retries run the queue: a task that waits for its retry holds no slot, and then goes ahead of all others. */
export const openStackGivingSlotsBack: OpenFeatures = (load) =>
  openWith(load, ({ queue, retry, timeout }, { text, priority, controller }) => {
    const signal = controller && { signal: controller.signal };
    return retry(
      (attempt) =>
        queue.add(() => timeout(load.work(text), TIMEOUT), {
          priority: attempt === 1 ? priority : priority + AHEAD_OF_ALL,
          ...signal,
        }),
      { ...RETRIES, ...signal },
    );
  });

const AHEAD_OF_ALL = 10;

async function openWith(
  load: FeatureLoad,
  submit: (stack: Stack, task: FeatureTask) => Promise<unknown>,
): ReturnType<OpenFeatures> {
  const [{ default: Queue }, { default: retry }, { default: timeout }] = await Promise.all([
    import('p-queue'),
    import('p-retry'),
    import('p-timeout'),
  ]);
  const queue = new Queue({ concurrency: MAX_PARALLEL });
  queue.on('completed', load.heard);
  const stack = { queue, retry, timeout };
  return {
    submit: async (task) => {
      try {
        load.completed(task.text, await submit(stack, task));
      } catch (cause) {
        if (task.controller?.signal.reason !== cause) throw cause;
        load.cancelled();
      }
    },
  };
}

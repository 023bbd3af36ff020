import type { TaskOptions } from 'gaffr';
import { BACKOFF_MS, MAX_RETRIES, type OpenFeatures, TIMEOUT_SECONDS } from './features-load.js';
import { MAX_PARALLEL } from './queue.js';

/** One service, its options given per task where they differ from task to task. */
export function openGaffrWithFeatures(fastLane: boolean): OpenFeatures {
  return async ({ work, completed, cancelled, heard }) => {
    const { createOrchestrator, ExecutionConfig } = await import('gaffr');
    const orchestrator = createOrchestrator({
      services: { work },
      config: ExecutionConfig.create({
        maxParallel: MAX_PARALLEL,
        timeoutSeconds: TIMEOUT_SECONDS,
        maxRetries: MAX_RETRIES,
        // Full jitter rounds it down to 0, and a timer of Node takes that for 1 ms.
        backoffBaseSeconds: BACKOFF_MS / 1000,
        // p-retry has no budget: so that both retry all there is to retry.
        retryBudgetRatio: 1,
        // Every tenth task fails, which is not what a circuit is for; the peers have none.
        circuitFailures: Number.POSITIVE_INFINITY,
      }),
      fastLane,
    });
    orchestrator.on('completed', heard);
    return {
      submit: async ({ text, priority, controller }) => {
        const options: TaskOptions = controller ? { priority, signal: controller.signal } : { priority };
        const { success, status, result } = await orchestrator.execute(text, options);
        if (success) completed(text, result);
        else if (status === 'cancelled') cancelled();
      },
    };
  };
}

import type { HistoryLimits } from '../../src/core/history-event.js';
import type { World } from './world.js';

/** What the history check may assume of a run: only what held all the time. */
export function historyLimitsOf({
  orchestrator,
  plan,
  replaced,
  highestMaxParallel,
  clients,
}: World): HistoryLimits {
  const { maxRetries, retryOnFailure, deadlineSeconds, retryBudgetRatio } = orchestrator.config.taskConfig;
  const concurrency: Record<string, number> = {};
  for (const service of plan.setup.services) {
    if (service.concurrency !== null && !replaced.has(service.name))
      concurrency[service.name] = service.concurrency;
  }
  const tasks: NonNullable<HistoryLimits['tasks']> = {};
  for (const client of clients.all) {
    const { handle, plan: own } = client;
    // An id or a key may belong to several tasks.
    if (!handle || own.taskId !== null || own.key !== null || own.kwargs === 'uncloneable') continue;
    const seconds = own.deadlineMs === null ? deadlineSeconds : own.deadlineMs / 1000;
    tasks[handle.taskId] = {
      maxRetries: retryOnFailure ? (own.maxRetries ?? maxRetries) : 0,
      ...(seconds === undefined ? {} : { deadlineSeconds: seconds }),
    };
  }
  return {
    maxParallel: Number.isFinite(highestMaxParallel) ? highestMaxParallel : undefined,
    concurrency,
    retryBudgetRatio: replaced.size === 0 ? retryBudgetRatio : undefined,
    tasks,
    // Sleeps are longer than any deadline; that nothing is late is checked after each step.
    graceMs: 1e9,
    // Observers leave with the orchestrator, and so miss what is submitted while it closes.
    isComplete: !plan.actions.some((action) => action.do === 'close'),
  };
}

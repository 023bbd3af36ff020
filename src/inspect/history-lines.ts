import type { TaskConfig } from '../core/config.js';
import type { RuntimeEvent } from '../core/events.js';
import type { HistoryLimits } from '../core/history-event.js';
import type { ObservedOrchestrator } from './observed.js';

/** An orchestrator whose history can be judged: every `Orchestrator` fits. */
export interface RecordedOrchestrator extends ObservedOrchestrator {
  readonly config: {
    readonly taskConfig: Pick<TaskConfig, 'maxRetries' | 'retryOnFailure' | 'retryBudgetRatio'>;
  };
}

/** What the run is allowed just now. What is without limit is left out. */
export function limitsOf(orchestrator: RecordedOrchestrator): HistoryLimits {
  const { maxRetries, retryOnFailure, retryBudgetRatio } = orchestrator.config.taskConfig;
  const { maxParallel } = orchestrator.stats();
  const concurrency = orchestrator
    .listServices()
    .filter((service) => Number.isFinite(service.concurrency))
    .map((service) => [service.name, service.concurrency]);
  return {
    ...(Number.isFinite(maxParallel) && { maxParallel }),
    concurrency: Object.fromEntries(concurrency),
    maxRetries: retryOnFailure ? maxRetries : 0,
    retryBudgetRatio,
  };
}

/** The fact as a history keeps it: of a result only what a judge needs, no text of a task, an error or a service. */
export function withoutTexts(event: RuntimeEvent): RuntimeEvent | HistorySettled {
  if (event.type !== 'settled') return event;
  const { type, atMs, taskId, service, status, result } = event;
  const { attempts, errorCode } = result;
  return { type, atMs, taskId, service, status, result: { attempts, errorCode } };
}

type Settled = Extract<RuntimeEvent, { type: 'settled' }>;
type HistorySettled = Omit<Settled, 'result'> & {
  readonly result: Pick<Settled['result'], 'attempts' | 'errorCode'>;
};

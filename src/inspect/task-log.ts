import type { Log } from '../core/environment.js';
import type { RuntimeEvent } from '../core/events.js';
import type { ObservedOrchestrator } from './observed.js';

/**
 * Writes a line for what an operator wants to know of tasks and circuits, each with a fixed phrase and the fields `taskId`,
 * `service`, `attempt` and `durationMs` as far as they apply. No line holds the text of a task, an error or a result.
 *
 * A task that failed, timed out or was rejected is a warning, a retry or a cancel an information; what went well is told at
 * `debug`. Returns what ends that.
 */
export function logTasks(orchestrator: Pick<ObservedOrchestrator, 'on' | 'off'>, log: Log): () => void {
  const onEvent = (event: RuntimeEvent): void => tell(event, log);
  orchestrator.on('event', onEvent);
  return () => void orchestrator.off('event', onEvent);
}

function tell(event: RuntimeEvent, log: Log): void {
  switch (event.type) {
    case 'started': {
      const { taskId, service, attempt } = event;
      log.debug({ taskId, service, attempt }, 'attempt started');
      return;
    }
    case 'backoff': {
      const { taskId, service, attempt, delayMs, errorCode } = event;
      log.info(
        { taskId, service, attempt, errorCode, delayMs: Math.round(delayMs) },
        'attempt failed; another follows',
      );
      return;
    }
    case 'abandoned': {
      const { taskId, service, attempt } = event;
      log.info({ taskId, service, attempt }, 'attempt given up; its code still runs');
      return;
    }
    case 'moved':
      log.info({ taskId: event.taskId, service: event.service }, 'task left for another service');
      return;
    case 'settled':
      tellResult(event, log);
      return;
    case 'circuit':
      log[event.state === 'open' ? 'warn' : 'info']({ service: event.service }, `circuit ${event.state}`);
      return;
    default:
      return;
  }
}

const LEVELS = {
  completed: 'debug',
  cancelled: 'info',
  failed: 'warn',
  timed_out: 'warn',
  rejected: 'warn',
  interrupted: 'warn',
} as const;

function tellResult(
  { taskId, service, status, result }: Extract<RuntimeEvent, { type: 'settled' }>,
  log: Log,
): void {
  const { attempts: attempt, executionTime, queueTime, errorCode } = result;
  const facts = {
    taskId,
    service,
    attempt,
    durationMs: Math.round(executionTime * 1000),
    queueMs: Math.round(queueTime * 1000),
    status,
    ...(errorCode !== null && { errorCode }),
  };
  log[LEVELS[status]](facts, 'task ended');
}

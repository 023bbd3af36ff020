import * as errors from '../../core/errors.js';
import type { TaskResult } from '../../core/result.js';
import type { AttemptOutcome, TaskMessage } from './protocol.js';

/** How far a task was when it ended outside an attempt. */
export interface Progress {
  readonly attempts: number;
  /** Start of the first attempt; null when there was none. */
  readonly startedAtMs: number | null;
  readonly endedAtMs: number;
}

/** The result of a task that ended outside an attempt. */
export function endOutside(
  task: Pick<TaskMessage, 'id' | 'service' | 'route' | 'acceptedAtMs'>,
  status: 'timed_out' | 'cancelled' | 'interrupted',
  { error, progress }: { readonly error: errors.OrchestratorError; readonly progress: Progress },
): TaskResult {
  const { code, message } = error;
  const result: TaskResult = {
    taskId: task.id,
    status,
    serviceName: task.service,
    success: false,
    result: null,
    error: message,
    errorCode: code,
    errorDetails: errors.detailsOf(error),
    executionTime: 0,
    queueTime: 0,
    attempts: progress.attempts,
    route: task.route,
  };
  return withTimes(result, task, progress);
}

/** The result of a task whose last attempt has ended. */
export function endOf(
  { result, startedAtMs, endedAtMs }: Extract<AttemptOutcome, { kind: 'ended' }>,
  task: TaskMessage,
  firstStartMs: number,
): TaskResult {
  const { attempts } = result;
  const startMs = attempts === 0 ? null : Math.min(firstStartMs, startedAtMs);
  return withTimes(result, task, { attempts, startedAtMs: startMs, endedAtMs });
}

/** A result with the times of the whole task, and with the route that was decided when it was accepted. */
function withTimes(
  result: TaskResult,
  { acceptedAtMs, route }: Pick<TaskMessage, 'acceptedAtMs' | 'route'>,
  { startedAtMs, endedAtMs }: Progress,
): TaskResult {
  const start = startedAtMs ?? endedAtMs;
  const seconds = (ms: number): number => Math.max(0, ms) / 1000;
  return {
    ...result,
    route,
    executionTime: seconds(endedAtMs - start),
    queueTime: seconds(start - acceptedAtMs),
  };
}

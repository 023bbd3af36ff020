import type { EngineTask } from '../../core/engine.js';
import * as errors from '../../core/errors.js';
import type { TaskResult } from '../../core/result.js';
import type { TaskEnd, TaskGoesOn, TaskMessage } from './protocol.js';
import type { InvocationEnd } from './restate-server.js';
import { endOutside } from './task-ends.js';

/** What the server's word on a task means for the caller who asked for it. */
export function resultOf(
  task: EngineTask,
  message: TaskMessage,
  end: InvocationEnd,
): TaskResult | { readonly conflict: string } {
  if (end.kind === 'returned') {
    const { result, fingerprint } = end.value as TaskEnd;
    const { idempotencyKey } = task.settings;
    if (idempotencyKey !== null && fingerprint !== message.fingerprint) return { conflict: idempotencyKey };
    return result;
  }
  const progress = { attempts: 0, startedAtMs: null, endedAtMs: Date.now() };
  const error = errors.cancelled(new Error(`at the server: ${end.message}`));
  return endOutside(message, 'cancelled', { error, progress });
}

/** Nothing was done for the task. */
export function isNothing(end: InvocationEnd): boolean {
  return end.kind === 'returned' && (end.value as Partial<TaskEnd>).result?.attempts === 0;
}

/** The invocation that goes on with a task; null when this was its end. */
export function nextOf(end: InvocationEnd): string | null {
  return end.kind === 'returned' ? ((end.value as Partial<TaskGoesOn>).goesOnAs ?? null) : null;
}

/** The caller was told that the engine keeps the task. */
export function isLeft({ errorDetails }: TaskResult): boolean {
  return errorDetails?.kept === true;
}

/** What a caller is told instead when the engine did not get the task. */
export function notLeft(result: TaskResult): TaskResult {
  const error = errors.shuttingDown();
  return { ...result, error: error.message, errorDetails: errors.detailsOf(error) };
}

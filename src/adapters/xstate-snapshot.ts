import type { Snapshot } from 'xstate';
import { interruptedTask } from '../core/errors.js';
import type { TaskResult } from '../core/result.js';
import type { OrchestratorSnapshot, OrchestratorView } from './xstate-messages.js';

/** The part of a snapshot that says that the actor lives. */
export const ACTIVE = { status: 'active', output: undefined, error: undefined } as const;

const NOTHING: OrchestratorView = { open: [], ended: [], services: [], stats: null, isClosing: false };

/** The snapshot of an actor that has not started. */
export function initialSnapshot(): OrchestratorSnapshot {
  return { ...ACTIVE, context: NOTHING };
}

/** What may be written down: no text, argument, result or error text of any task. */
export function persist(snapshot: OrchestratorSnapshot): Snapshot<unknown> {
  const { open, ended } = snapshot.context;
  // Only making the orchestrator can fail, and what that says may hold what its options hold.
  const error = snapshot.status === 'error' ? 'the orchestrator could not be made' : undefined;
  return Object.assign({}, snapshot, { error, context: { open: [...open], ended } }) as Snapshot<unknown>;
}

/** What {@link persist} wrote, as a snapshot of an actor that has not started. */
export function restore(persisted: Snapshot<unknown>): OrchestratorSnapshot {
  const snapshot = persisted as OrchestratorSnapshot;
  return Object.assign({}, snapshot, { context: { ...NOTHING, ...snapshot.context } });
}

/** The result of a task that was open when its actor was written down. */
export function interruptedResult(taskId: string): TaskResult {
  const { message, code } = interruptedTask(taskId);
  return {
    taskId,
    status: 'interrupted',
    serviceName: null,
    success: false,
    result: null,
    error: message,
    errorCode: code,
    errorDetails: null,
    executionTime: 0,
    queueTime: 0,
    attempts: 0,
    route: null,
  };
}

import type { Crew } from './crew.js';
import type { TaskRecord } from './task-record.js';

/** A task whose attempt runs. */
export interface RunningTask {
  readonly taskId: string;
  readonly service: string;
  readonly priority: number;
  readonly attempt: number;
  /** Seconds since this attempt began. */
  readonly runningSeconds: number;
  readonly timeoutSeconds: number;
  /** Seconds until this attempt times out, 0 or more. */
  readonly remainingSeconds: number;
}

/** A task that waits in a mailbox. */
export interface WaitingTask {
  readonly taskId: string;
  readonly service: string;
  readonly priority: number;
  /** Seconds since it was accepted. */
  readonly waitingSeconds: number;
}

/** The tasks whose attempts run just now: a fresh array, service by service. */
export function runningTasks(crews: readonly Crew[], nowMs: number): RunningTask[] {
  return crews.flatMap((crew) =>
    crew.instances.flatMap(({ task, runsUntilMs }) => {
      if (task === null || runsUntilMs === null) return [];
      const { timeoutMs } = task;
      return {
        taskId: task.id,
        service: crew.name,
        priority: task.priority,
        attempt: task.attempts,
        runningSeconds: (nowMs - runsUntilMs + timeoutMs) / 1000,
        timeoutSeconds: timeoutMs / 1000,
        remainingSeconds: Math.max(0, runsUntilMs - nowMs) / 1000,
      };
    }),
  );
}

/** The tasks that wait in mailboxes: a fresh array, service by service, in the order in which they would start. */
export function waitingTasks(crews: readonly Crew[], nowMs: number): WaitingTask[] {
  return crews.flatMap((crew) =>
    [...crew.mailbox].map(({ id, priority, acceptedAtMs }) => ({
      taskId: id,
      service: crew.name,
      priority,
      waitingSeconds: (nowMs - acceptedAtMs) / 1000,
    })),
  );
}

/** The waiting task of this id. Looks through the mailboxes. */
export function findWaiting(crews: readonly Crew[], taskId: string): TaskRecord | undefined {
  for (const { mailbox } of crews) for (const task of mailbox) if (task.id === taskId) return task;
  return undefined;
}

import type { ErrorCode } from './errors.js';
import type { Route } from './route.js';

/** How a task ended. `rejected`: no attempt was made. `interrupted`: the process died during an attempt. */
export type TaskStatus = 'completed' | 'failed' | 'timed_out' | 'cancelled' | 'rejected' | 'interrupted';

/** The one answer to an accepted task. A failed task is a value, not an exception. */
export interface TaskResult<T = unknown> {
  readonly taskId: string;
  readonly status: TaskStatus;
  /** The service of the last attempt, or the one the task waited for; null when none was chosen. */
  readonly serviceName: string | null;
  /** True exactly when `status` is `completed`. */
  readonly success: boolean;
  /** What the service returned; null unless completed. */
  readonly result: T | null;
  /** A sentence for people, or null. */
  readonly error: string | null;
  /** Stable, or null. */
  readonly errorCode: ErrorCode | null;
  /** Small JSON beside the error: `retryAfterSeconds`, tools that fit, install command …; null when there is none. */
  readonly errorDetails: Readonly<Record<string, unknown>> | null;
  /** Seconds from the start of the first attempt to the end, backoff included; 0 when none started. */
  readonly executionTime: number;
  /** Seconds from acceptance to the start of the first attempt, or to the end when none started. */
  readonly queueTime: number;
  /** Attempts started. */
  readonly attempts: number;
  /** Why this service; null when the task was refused before routing. */
  readonly route: Route | null;
}

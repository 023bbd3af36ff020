import type { ErrorCode } from './errors.js';
import type { TaskResult, TaskStatus } from './result.js';

/**
 * One fact in the life of a task, in the order in which it happened. `atMs` is the clock's monotonic time.
 * - `submitted` accepted · `queued` waits for `service` · `started` an attempt runs · `backoff` the attempt failed and
 *   the task waits for its next one · `moved` it left `service` for another candidate · `reprioritised` it goes
 *   behind the waiting tasks of its changed priority · `abandoned` an attempt was given
 *   up while its code runs · `ended` that code ended · `handed_over` another process runs it from here on · `settled` the
 *   task has its result
 */
export type TaskEvent =
  | {
      readonly type: 'submitted';
      readonly atMs: number;
      readonly taskId: string;
      readonly priority: number;
      /** Most further attempts of this task. */
      readonly maxRetries: number;
      /** Limit of the whole task, in milliseconds, or null. */
      readonly deadlineMs: number | null;
      /** Attempts that other processes made; left out when there were none. */
      readonly attempts?: number;
    }
  | {
      readonly type: 'handed_over';
      readonly atMs: number;
      readonly taskId: string;
      readonly service: string | null;
    }
  | { readonly type: 'queued'; readonly atMs: number; readonly taskId: string; readonly service: string }
  | {
      readonly type: 'started' | 'abandoned' | 'ended';
      readonly atMs: number;
      readonly taskId: string;
      readonly service: string;
      readonly instance: string;
      readonly attempt: number;
    }
  | {
      readonly type: 'backoff';
      readonly atMs: number;
      readonly taskId: string;
      readonly service: string;
      readonly attempt: number;
      readonly delayMs: number;
      /** Why the attempt failed. */
      readonly errorCode: ErrorCode;
    }
  | { readonly type: 'moved'; readonly atMs: number; readonly taskId: string; readonly service: string }
  | {
      readonly type: 'reprioritised';
      readonly atMs: number;
      readonly taskId: string;
      readonly priority: number;
    }
  | {
      readonly type: 'settled';
      readonly atMs: number;
      readonly taskId: string;
      readonly service: string | null;
      readonly status: TaskStatus;
      readonly result: TaskResult;
    };

/** A circuit that opened, or closed after a good probe. */
export interface CircuitEvent {
  readonly type: 'circuit';
  readonly atMs: number;
  readonly service: string;
  readonly state: 'open' | 'closed';
}

/** Tasks began or ceased to wait for a rate window. */
export interface RateLimitEvent {
  readonly type: 'rate_limit';
  readonly atMs: number;
  readonly isLimited: boolean;
}

/** A limit changed while tasks run: `maxParallel` when there is no service, else the concurrency of that service. */
export interface ResizedEvent {
  readonly type: 'resized';
  readonly atMs: number;
  readonly service: string | null;
  /** Null: without limit. */
  readonly limit: number | null;
}

/** A service was registered, replaced or removed while tasks run. */
export interface RestaffedEvent {
  readonly type: 'restaffed';
  readonly atMs: number;
  readonly service: string;
}

/** Everything the supervisor tells observers. */
export type RuntimeEvent = TaskEvent | CircuitEvent | RateLimitEvent | ResizedEvent | RestaffedEvent;

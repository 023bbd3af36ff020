import type { ErrorCode } from '../core/errors.js';
import type { Failure } from '../core/failure.js';
import type { Crew } from './crew.js';
import type { ServiceInstance } from './service-instance.js';
import type { TaskRecord } from './task-record.js';

/** What an instance tells the supervisor. */
export type Report =
  | (AboutTask & { readonly kind: 'completed'; readonly value: unknown })
  | (AboutTask & {
      readonly kind: 'failed';
      readonly failure: Failure;
      /** Milliseconds until another attempt, which is to take another instance; null: the task failed. */
      readonly retryDelayMs: number | null;
      /** `finished`: takes the next task or is released. `free`: its machine is `failed` already. */
      readonly instanceIs: 'finished' | 'free';
    })
  /** The attempt is given up; its code still holds the instance. */
  | (AboutTask & {
      readonly kind: 'timed_out';
      readonly attempt: number;
      readonly failure: Failure;
      readonly retryDelayMs: number | null;
    })
  | (AboutTask & { readonly kind: 'backoff'; readonly delayMs: number; readonly errorCode: ErrorCode })
  /** The backoff is over: the task asks for a parallel slot. */
  | (AboutTask & { readonly kind: 'due' })
  /** The circuit opened while the task was in backoff. */
  | (AboutTask & { readonly kind: 'returned' })
  | (AboutTask & { readonly kind: 'refused' })
  /** Assigned, but cancelled or paused before it started: no attempt was made. */
  | (AboutTask & { readonly kind: 'skipped' })
  /** The code of an abandoned attempt has ended. */
  | (AboutTask & { readonly kind: 'ended'; readonly attempt: number })
  | { readonly kind: 'circuit'; readonly crew: Crew; readonly state: 'open' | 'closed' };

interface AboutTask {
  readonly instance: ServiceInstance;
  readonly task: TaskRecord;
}

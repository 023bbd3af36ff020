import type { TaskResult } from '../core/result.js';
import type { Route, RouteCandidate } from '../core/route.js';
import type { Crew } from './crew.js';
import type { Due } from './deadlines.js';
import type { ServiceInstance } from './service-instance.js';

/**
 * Where a task is. `assigned`: its instance is being hired. `retrying`: in backoff, or due and waiting for a parallel
 * slot.
 */
export type TaskState = 'accepted' | 'routing' | 'queued' | 'assigned' | 'busy' | 'retrying' | 'settled';

/** A time limit of a task that waits with the deadlines. */
export class TaskTimer implements Due {
  readonly kind: 'queue' | 'deadline' | 'backoff';
  readonly dueMs: number;
  heapIndex = -1;
  readonly #expired: () => void;

  constructor(kind: TaskTimer['kind'], dueMs: number, expired: () => void) {
    this.kind = kind;
    this.dueMs = dueMs;
    this.#expired = expired;
  }

  expire(): void {
    this.#expired();
  }
}

/** What the caller asked for, in milliseconds; one shared object for all tasks without options of their own. */
export interface TaskSettings {
  /** The service that the caller named. */
  readonly service: string | null;
  readonly kwargs: Readonly<Record<string, unknown>> | null;
  readonly priority: number;
  readonly timeoutMs: number;
  readonly queueTimeoutMs: number | null;
  readonly deadlineMs: number | null;
  readonly maxRetries: number;
  readonly idempotencyKey: string | null;
  readonly onProgress: ((fraction: number, message: string | undefined) => void) | null;
  /** The caller's place in a trace, valid or null. */
  readonly traceparent: string | null;
  /** What the tracing made of the caller; undefined while nothing is traced. */
  readonly origin: unknown;
}

/**
 * One accepted task: a plain record that travels by reference, never an actor. The supervisor moves it from state to
 * state; its instance counts the attempts; only the mailbox touches the links.
 */
export class TaskRecord {
  readonly id: string;
  readonly text: string;
  readonly settings: TaskSettings;
  /** Tells the caller; called exactly once. */
  readonly answer: (result: TaskResult) => void;
  state: TaskState = 'accepted';
  priority: number;
  attempts = 0;
  acceptedAtMs: number;
  /** Start of the first attempt. */
  startedAtMs: number | undefined = undefined;
  route: Route | null = null;
  ranked: readonly RouteCandidate[] | null = null;
  crew: Crew | null = null;
  instance: ServiceInstance | null = null;
  /** Set as soon as a cancel is asked for: from then on no attempt starts, though its event may have to wait. */
  cancelRequest: { readonly reason: unknown } | null = null;
  /** The failure of the last attempt, kept as the cause when the task ends waiting. */
  lastFailure: unknown = undefined;
  /** Counts among the retries in flight of its crew. */
  isRetry = false;
  /** What waits with the task: its deadline, its place in the queue, its backoff. */
  timers: TaskTimer[] | null = null;
  // Links of the mailbox.
  previous: TaskRecord | null = null;
  next: TaskRecord | null = null;
  lane: number | null = null;

  constructor(
    id: string,
    text: string,
    settings: TaskSettings,
    acceptedAtMs: number,
    answer: (result: TaskResult) => void,
  ) {
    this.id = id;
    this.text = text;
    this.settings = settings;
    this.priority = settings.priority;
    this.acceptedAtMs = acceptedAtMs;
    this.answer = answer;
  }

  /** Limit of one attempt on the service that it is with, in milliseconds. */
  get timeoutMs(): number {
    return Math.min(this.settings.timeoutMs, this.crew?.definition.timeoutMs ?? Number.POSITIVE_INFINITY);
  }

  toJSON(): object {
    const { id, state, attempts, priority } = this;
    return { id, state, attempts, priority, service: this.crew?.name ?? null };
  }
}

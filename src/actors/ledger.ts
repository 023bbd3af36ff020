import type { TaskKeeper } from '../core/engine.js';
import type { Clock } from '../core/environment.js';
import type { ErrorCode, OrchestratorError } from '../core/errors.js';
import * as errors from '../core/errors.js';
import type { RuntimeEvent } from '../core/events.js';
import type { TaskResult, TaskStatus } from '../core/result.js';
import type { Tracing } from '../core/tracing.js';
import type { Crew } from './crew.js';
import type { Deadlines } from './deadlines.js';
import type { ServiceInstance } from './service-instance.js';
import { type TaskRecord, type TaskState, TaskTimer } from './task-record.js';

/**
 * Owns: the state of every open task, the counts, the totals, the time limits and what observers are told. Talks to:
 * the callers (`task.answer`), observers, the deadlines.
 *
 * Invariants
 * - I3 Every accepted task is in exactly one state, and the counts are the sums.
 * - I4 Every accepted task is answered exactly once; I5 nothing is told about it afterwards.
 * - L1 State first, then callers, then observers.
 */

/** Totals since the start, by status. */
export type Totals = Record<TaskStatus | 'submitted' | 'lateSettlements', number>;

/** Ends tasks that are out of time. */
export interface Overdue {
  failDeadline(task: TaskRecord): void;
  failQueue(task: TaskRecord): void;
}

/** Told of every fact; null while nobody listens. */
export type Observer = () => ((event: RuntimeEvent) => void) | null;

/** The books of the supervisor. */
export class Ledger {
  readonly totals: Totals = {
    submitted: 0,
    completed: 0,
    failed: 0,
    timed_out: 0,
    cancelled: 0,
    rejected: 0,
    interrupted: 0,
    lateSettlements: 0,
  };
  readonly counts: Record<TaskState, number> = {
    accepted: 0,
    routing: 0,
    queued: 0,
    assigned: 0,
    busy: 0,
    retrying: 0,
    settled: 0,
  };
  /** Open tasks that stand neither in a mailbox nor with an instance. */
  readonly inTransit = new Set<TaskRecord>();
  /** Attempts that were given up while their code runs. */
  abandoned = 0;
  readonly #clock: Clock;
  readonly #deadlines: Deadlines;
  readonly #observer: Observer;
  readonly #tracing: Tracing | null;
  readonly #keeper: TaskKeeper | null;
  /** Open tasks whose caller chose the id. */
  readonly #named = new Map<string, TaskRecord>();
  #events: RuntimeEvent[] = [];
  #isAnnouncing = false;

  constructor(
    ports: {
      readonly clock: Clock;
      readonly observer: Observer;
      readonly tracing: Tracing | null;
      readonly keeper: TaskKeeper | null;
    },
    deadlines: Deadlines,
  ) {
    this.#clock = ports.clock;
    this.#deadlines = deadlines;
    this.#observer = ports.observer;
    this.#tracing = ports.tracing;
    this.#keeper = ports.keeper;
  }

  /** Attempts that hold a parallel slot. */
  get running(): number {
    return this.counts.busy + this.counts.assigned;
  }

  /** Tasks that wait for their route or in a mailbox. */
  get queued(): number {
    return this.counts.accepted + this.counts.routing + this.counts.queued;
  }

  get open(): number {
    return this.running + this.queued + this.counts.retrying;
  }

  accept(task: TaskRecord): void {
    this.totals.submitted += 1;
    this.counts.accepted += 1;
    if (!this.isObserved) return;
    const { id: taskId, text, priority, acceptedAtMs: atMs, settings } = task;
    const { maxRetries, deadlineMs } = settings;
    this.#tracing?.submitted({ taskId, text, priority, atMs }, settings.origin);
    const before = task.attempts === 0 ? {} : { attempts: task.attempts };
    this.tell({ type: 'submitted', atMs, taskId, priority, maxRetries, deadlineMs, ...before });
  }

  /** Reserves an id that the caller chose; false when an open task has it. */
  claimId(task: TaskRecord): boolean {
    if (this.#named.has(task.id)) return false;
    this.#named.set(task.id, task);
    return true;
  }

  enter(task: TaskRecord, state: TaskState): void {
    this.counts[task.state] -= 1;
    this.counts[state] += 1;
    if (this.inTransit.size > 0) this.inTransit.delete(task);
    task.state = state;
    const isAlone = state === 'retrying' && task.instance === null;
    if (state === 'routing' || state === 'assigned' || isAlone) this.inTransit.add(task);
  }

  /** The task belongs to this crew from now on, until it leaves or is answered. */
  join(task: TaskRecord, crew: Crew): void {
    task.crew = crew;
    crew.open += 1;
  }

  leave(task: TaskRecord): void {
    const { crew } = task;
    if (crew === null) return;
    crew.open -= 1;
    if (task.isRetry) crew.retrying -= 1;
    task.isRetry = false;
    task.crew = null;
  }

  /** The task counts among the retries in flight of its crew. */
  countRetry(task: TaskRecord): void {
    if (task.isRetry || task.crew === null) return;
    task.isRetry = true;
    task.crew.retrying += 1;
  }

  countAbandoned(crew: Crew, by: 1 | -1): void {
    crew.abandoned += by;
    this.abandoned += by;
  }

  complete(task: TaskRecord, value: unknown): void {
    if (this.#keeper !== null) {
      const kept = this.#keeper.keepable(value, task.crew?.name ?? '');
      if ('error' in kept) {
        this.fail(task, 'failed', kept.error);
        return;
      }
      value = kept.value;
    }
    if (task.crew) task.crew.completed += 1;
    this.#answer(task, 'completed', value, null);
  }

  fail(task: TaskRecord, status: Exclude<TaskStatus, 'completed'>, error: OrchestratorError): void {
    if (task.crew && status !== 'cancelled') {
      task.crew.failed += 1;
      task.crew.lastError = error.message;
    }
    this.#answer(task, status, null, error);
  }

  /** Answers a task for which no place was found: `rejected` before its first attempt, `failed` after. */
  refuse(task: TaskRecord, error: OrchestratorError): void {
    this.fail(task, task.attempts > 0 ? 'failed' : 'rejected', error);
  }

  /** Takes over the end of a task that ran in another process. */
  adopt(task: TaskRecord, result: TaskResult): void {
    this.enter(task, 'settled');
    this.#conclude(task, result, this.#clock.now());
  }

  /** Arms the deadline and the queue timeout. Most tasks have neither, so nothing is made for them. */
  armLimits(task: TaskRecord, endings: Overdue): void {
    const { deadlineMs, queueTimeoutMs } = task.settings;
    if (deadlineMs !== null) this.armDeadline(task, () => endings.failDeadline(task));
    // One that was started by an earlier process has its wait behind it.
    if (queueTimeoutMs !== null && task.attempts === 0)
      this.addTimer(task, 'queue', task.acceptedAtMs + queueTimeoutMs, () => endings.failQueue(task));
  }

  armDeadline(task: TaskRecord, onDeadline: () => void, graceMs = 0): void {
    const { deadlineMs } = task.settings;
    if (deadlineMs === null) return;
    this.addTimer(task, 'deadline', task.acceptedAtMs + deadlineMs + graceMs, onDeadline);
  }

  addTimer(task: TaskRecord, kind: TaskTimer['kind'], dueMs: number, expired: () => void): void {
    const timer = new TaskTimer(kind, dueMs, expired);
    task.timers = [...(task.timers ?? []), timer];
    this.#deadlines.add(timer);
  }

  dropTimers(task: TaskRecord, kind?: TaskTimer['kind']): void {
    if (task.timers === null) return;
    for (const timer of task.timers)
      if (kind === undefined || timer.kind === kind) this.#deadlines.remove(timer);
    if (kind === undefined) task.timers = null;
  }

  isOverdue(task: TaskRecord): boolean {
    const { deadlineMs } = task.settings;
    return deadlineMs !== null && this.#clock.now() >= task.acceptedAtMs + deadlineMs;
  }

  /** Notes a fact; it is told by {@link announce}, once the state is right. */
  tell(event: RuntimeEvent): void {
    if (this.isObserved) this.#events.push(event);
  }

  /** What happens to an attempt. */
  tellAttempt(
    type: 'started' | 'abandoned' | 'ended',
    task: TaskRecord,
    { id: instance, crew }: ServiceInstance,
    attempt: number,
  ): void {
    if (!this.isObserved) return;
    this.tell({ type, atMs: this.#clock.now(), taskId: task.id, service: crew.name, instance, attempt });
  }

  tellHandedOver({ id: taskId, route }: TaskRecord): void {
    const service = route?.service ?? null;
    this.tell({ type: 'handed_over', atMs: this.#clock.now(), taskId, service });
  }

  tellQueued(task: TaskRecord, crew: Crew): void {
    if (!this.isObserved) return;
    this.tell({ type: 'queued', atMs: this.#clock.now(), taskId: task.id, service: crew.name });
  }

  /** The task waits for another attempt. */
  backOff(task: TaskRecord, delayMs: number, errorCode: ErrorCode): void {
    this.enter(task, 'retrying');
    this.#keeper?.rest(task, delayMs);
    const { id: taskId, crew, attempts: attempt } = task;
    if (crew === null || !this.isObserved) return;
    const about = { atMs: this.#clock.now(), taskId, service: crew.name };
    this.tell({ type: 'backoff', ...about, attempt, delayMs, errorCode });
  }

  get isObserved(): boolean {
    return this.#observer() !== null;
  }

  announce(): void {
    // An observer that causes further facts hears of them after those that came before.
    if (this.#events.length === 0 || this.#isAnnouncing) return;
    this.#isAnnouncing = true;
    const observe = this.#observer();
    if (observe) for (const event of this.#events) observe(event);
    this.#events = [];
    this.#isAnnouncing = false;
  }

  #answer(task: TaskRecord, status: TaskStatus, value: unknown, error: OrchestratorError | null): void {
    const nowMs = this.#clock.now();
    const { crew } = task;
    const result = resultOf(task, { status, value, error, nowMs });
    this.enter(task, 'settled');
    if (crew) {
      if (task.startedAtMs !== undefined) {
        const isFault = status !== 'cancelled' && error?.isTransportFault === true;
        crew.noteEnd(nowMs - task.startedAtMs, isFault, nowMs);
      }
      crew.open -= 1;
      if (task.isRetry) crew.retrying -= 1;
    }
    this.#conclude(task, result, nowMs);
  }

  #conclude(task: TaskRecord, result: TaskResult, nowMs: number): void {
    const { status } = result;
    this.totals[status] += 1;
    this.dropTimers(task);
    task.instance = null;
    if (this.#named.size > 0 && this.#named.get(task.id) === task) this.#named.delete(task.id);
    if (this.isObserved) {
      this.tell({
        type: 'settled',
        atMs: nowMs,
        taskId: task.id,
        service: result.serviceName,
        status,
        result,
      });
    }
    if (this.#keeper === null) task.answer(result);
    else this.#keeper.settle(task, result);
  }
}

function resultOf(
  task: TaskRecord,
  end: {
    readonly status: TaskStatus;
    readonly value: unknown;
    readonly error: OrchestratorError | null;
    readonly nowMs: number;
  },
): TaskResult {
  const { status, value, error, nowMs } = end;
  const { startedAtMs = nowMs } = task;
  return {
    taskId: task.id,
    status,
    serviceName: task.crew?.name ?? null,
    success: status === 'completed',
    result: value,
    error: error?.message ?? null,
    errorCode: error?.code ?? null,
    errorDetails: error === null ? null : errors.detailsOf(error),
    executionTime: (nowMs - startedAtMs) / 1000,
    queueTime: (startedAtMs - task.acceptedAtMs) / 1000,
    attempts: task.attempts,
    route: task.route,
  };
}

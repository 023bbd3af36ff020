import type { ActorRefFrom } from 'xstate';
import { type BackoffPolicy, backoffMs } from '../core/backoff.js';
import type { TaskKeeper } from '../core/engine.js';
import type { Clock, Log } from '../core/environment.js';
import { attemptTimedOut, resultTooLarge } from '../core/errors.js';
import { type Failure, failureOf } from '../core/failure.js';
import { isLargerThan, previewOf } from '../core/size.js';
import type { Tracing } from '../core/tracing.js';
import type { InstanceDuties, serviceMachine } from '../machines/service.machine.js';
import { Attempt, type AttemptObserver, type AttemptPorts } from './attempt.js';
import type { Crew } from './crew.js';
import type { Deadlines } from './deadlines.js';
import type { Report } from './report.js';
import { mayRetry } from './retry.js';
import type { TaskRecord } from './task-record.js';

/**
 * Owns: the attempts and the backoff of one instance, one task at a time. Talks to: its machine (by events), the
 * circuit of its crew, and the supervisor (by reports, handed over once per microtask).
 *
 * Invariants
 * - L1 From `startAttempt` on, exactly one report ends the instance's work on the task, unless the supervisor takes
 *   the task away first (`abandon`, `forget`).
 * - L2 The circuit knows of a failure before the supervisor hears of the task.
 * - L3 While an abandoned attempt's code runs the instance takes nothing else.
 */

/** What an instance needs from outside. */
export interface InstancePorts {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly deadlines: Deadlines;
  readonly backoff: BackoffPolicy;
  readonly retryBudgetRatio: number;
  /** Longest wait that a service may ask for, in milliseconds. */
  readonly retryAfterCapMs: number;
  readonly maxResultBytes: number;
  readonly tracing: Tracing | null;
  readonly keeper: TaskKeeper | null;
  /** Whether a task that was assigned may still start. */
  readonly mayStart: (task: TaskRecord) => boolean;
  /** Told of each attempt before the service's code runs. */
  readonly started: (instance: ServiceInstance, task: TaskRecord) => void;
  /** Told as soon as a retry is decided, so that the next decision of the same moment counts it. */
  readonly willRetry: (task: TaskRecord) => void;
  readonly report: (report: Report) => void;
}

/** One instance of a service; its machine says when, this class does. */
export class ServiceInstance implements InstanceDuties<TaskRecord>, AttemptObserver {
  readonly id: string;
  readonly crew: Crew;
  /** The running actor; null until hired. */
  actor: ActorRefFrom<typeof serviceMachine> | null = null;
  /** The task it works on or backs off for; null when free, finished or held by an abandoned attempt. */
  task: TaskRecord | null = null;
  /** Tasks that it was handed in a row since its service last had a turn. */
  inARow = 0;
  readonly #ports: InstancePorts;
  readonly #attemptPorts: AttemptPorts;
  #attempt: Attempt | null = null;
  #failure: Failure | null = null;
  #delayMs = 0;

  constructor(id: string, crew: Crew, ports: InstancePorts) {
    this.id = id;
    this.crew = crew;
    this.#ports = ports;
    const { clock, log, maxResultBytes, tracing, keeper } = ports;
    const tooLarge = (items: readonly unknown[]): Error =>
      resultTooLarge(crew.name, maxResultBytes, previewOf(items[0]));
    const about = { service: crew.name, instance: id, tracing, keeper };
    this.#attemptPorts = { ...about, clock, log, observer: this, maxResultBytes, tooLarge };
  }

  /** When the running attempt times out, in the clock's milliseconds; null while none runs. */
  get runsUntilMs(): number | null {
    return this.task?.state === 'busy' ? (this.#attempt?.dueMs ?? null) : null;
  }

  /** The code of an abandoned attempt still runs. */
  get isHeld(): boolean {
    return this.#attempt?.state === 'abandoned';
  }

  // Duties: called by the machine.

  startAttempt(task: TaskRecord): void {
    this.task = task;
    const { clock, deadlines } = this.#ports;
    const nowMs = clock.now();
    if (!this.#ports.mayStart(task)) {
      this.task = null;
      this.crew.circuit.probeWithoutVerdict(this.crew.circuit.epoch, nowMs);
      this.#ports.report({ kind: 'skipped', instance: this, task });
      return;
    }
    task.attempts += 1;
    task.startedAtMs ??= nowMs;
    this.#failure = null;
    const attempt = new Attempt(task, this.crew.circuit.epoch, nowMs, this.#attemptPorts);
    this.#attempt = attempt;
    deadlines.add(attempt);
    this.#ports.started(this, task);
    attempt.start(this.crew.definition.execute);
  }

  resumeAttempt(): void {
    if (this.task) this.startAttempt(this.task);
  }

  enterBackoff(): void {
    const failure = this.#failure;
    if (this.task === null || failure === null) return;
    this.#ports.willRetry(this.task);
    const delayMs = this.#delayMs;
    this.#ports.report({
      kind: 'backoff',
      instance: this,
      task: this.task,
      delayMs,
      errorCode: failure.error.code,
    });
  }

  askForSlot(): void {
    if (this.task) this.#ports.report({ kind: 'due', instance: this, task: this.task });
  }

  reportFailure(): void {
    this.#reportFailure('finished', null);
  }

  giveBack(): void {
    const task = this.task;
    if (task === null) return;
    if (this.#failure === null || task.state === 'retrying') {
      this.task = null;
      this.#ports.report({ kind: 'returned', instance: this, task });
      return;
    }
    this.#reportFailure('free', this.#mayRetry(this.#failure) ? 0 : null);
  }

  refuse(task: TaskRecord): void {
    this.#ports.report({ kind: 'refused', instance: this, task });
  }

  canRetry(): boolean {
    return this.#failure !== null && this.#mayRetry(this.#failure);
  }

  isCircuitOpen(): boolean {
    return this.crew.circuit.state === 'open';
  }

  isDown(): boolean {
    return this.crew.circuit.state !== 'closed';
  }

  backoffMs(): number {
    return this.#delayMs;
  }

  // Outcomes: called by the attempt.

  readonly onValue = (value: unknown): void => {
    const attempt = this.#endAttempt();
    if (attempt) this.#complete(attempt, value);
  };

  readonly onFault = (cause: unknown): void => {
    const attempt = this.#endAttempt();
    if (attempt === null) return;
    const failure = failureOf(cause, this.crew.name, attempt.number);
    this.#tellCircuit(attempt, !failure.countsAgainstCircuit);
    this.#fail(failure);
  };

  readonly onTimeout = (attempt: Attempt): void => this.#timeOut(attempt);

  /** The code of the attempt has ended; null when its outcome does not count any more. */
  #endAttempt(): Attempt | null {
    const attempt = this.#attempt;
    if (attempt === null || attempt.state === 'ended') return null;
    const isAbandoned = attempt.state === 'abandoned';
    attempt.state = 'ended';
    if (isAbandoned) {
      const { task, number } = attempt;
      this.#ports.report({ kind: 'ended', instance: this, task, attempt: number });
      return null;
    }
    this.#ports.deadlines.remove(attempt);
    return attempt;
  }

  #complete(attempt: Attempt, value: unknown): void {
    const { report, maxResultBytes } = this.#ports;
    this.#tellCircuit(attempt, true);
    if (isLargerThan(value, maxResultBytes)) {
      const error = resultTooLarge(this.crew.name, maxResultBytes, previewOf(value));
      this.#fail({ error, retryable: false, countsAgainstCircuit: false, retryAfterMs: null });
      return;
    }
    const { task } = attempt;
    this.task = null;
    report({ kind: 'completed', instance: this, task, value });
  }

  #timeOut(attempt: Attempt): void {
    const { task } = attempt;
    const { crew } = this;
    const error = attemptTimedOut({
      taskId: task.id,
      service: crew.name,
      attempt: attempt.number,
      timeoutSeconds: task.timeoutMs / 1000,
      waiting: crew.mailbox.size,
      running: crew.working - crew.abandoned,
    });
    attempt.giveUp();
    this.#tellCircuit(attempt, false);
    this.#failure = { error, retryable: true, countsAgainstCircuit: true, retryAfterMs: null };
    this.#delayMs = this.#nextDelayMs(this.#failure, task);
    const retryDelayMs = this.#mayRetry(this.#failure) ? this.#delayMs : null;
    if (retryDelayMs !== null) this.#ports.willRetry(task);
    this.task = null;
    const failure = this.#failure;
    this.#ports.report({
      kind: 'timed_out',
      instance: this,
      task,
      attempt: attempt.number,
      failure,
      retryDelayMs,
    });
    attempt.abort(error);
  }

  // Orders of the supervisor, outside the machine: they change no state of it.

  /** Whether it has an attempt whose code has not begun: the engine makes it wait. */
  get isWaiting(): boolean {
    return this.#attempt !== null && !this.#attempt.hasBegun;
  }

  /** Gives the running attempt up and returns it, so that its signal is fired once the books are right. */
  abandon(): Attempt | null {
    const attempt = this.#attempt;
    // An attempt that just ended is no longer there to be given up: its report, or its backoff, is under way.
    if (attempt === null || this.task === null || attempt.state !== 'running') return null;
    this.#ports.deadlines.remove(attempt);
    attempt.giveUp();
    this.crew.circuit.probeWithoutVerdict(attempt.epoch, this.#ports.clock.now());
    this.task = null;
    return attempt;
  }

  /** Lets go of a task in backoff. */
  forget(): void {
    this.task = null;
    this.#failure = null;
  }

  toJSON(): object {
    return { id: this.id, service: this.crew.name, task: this.task };
  }

  #fail(failure: Failure): void {
    if (this.task === null) return;
    this.#failure = failure;
    this.#delayMs = this.#nextDelayMs(failure, this.task);
    this.actor?.send({ type: 'ATTEMPT_FAILED' });
  }

  #reportFailure(instanceIs: 'finished' | 'free', retryDelayMs: number | null): void {
    const { task } = this;
    const failure = this.#failure;
    if (task === null || failure === null) return;
    if (retryDelayMs !== null) this.#ports.willRetry(task);
    this.task = null;
    this.#ports.report({ kind: 'failed', instance: this, task, failure, instanceIs, retryDelayMs });
  }

  #tellCircuit(attempt: Attempt, answered: boolean): void {
    const { crew } = this;
    const { clock, report } = this.#ports;
    if (answered) {
      if (crew.circuit.succeeded(attempt.epoch)) report({ kind: 'circuit', crew, state: 'closed' });
    } else if (crew.circuit.failed(attempt.epoch, clock.now())) {
      report({ kind: 'circuit', crew, state: 'open' });
    }
  }

  #nextDelayMs({ retryAfterMs }: Failure, task: TaskRecord): number {
    const { backoff, random } = this.#ports;
    return Math.max(backoffMs(backoff, task.attempts - 1, random), retryAfterMs ?? 0);
  }

  #mayRetry(failure: Failure): boolean {
    const { task, crew } = this;
    if (task === null) return false;
    const { deadlineMs, maxRetries } = task.settings;
    return mayRetry({
      failure,
      idempotent: crew.definition.idempotent,
      attempts: task.attempts,
      maxRetries: Math.min(maxRetries, crew.definition.maxRetries ?? Number.POSITIVE_INFINITY),
      delayMs: this.#delayMs,
      leftMs: deadlineMs === null ? null : task.acceptedAtMs + deadlineMs - this.#ports.clock.now(),
      retriesInFlight: crew.retrying - (task.isRetry ? 1 : 0),
      tasksInFlight: crew.open,
      retryBudgetRatio: this.#ports.retryBudgetRatio,
      retryAfterCapMs: this.#ports.retryAfterCapMs,
    });
  }
}

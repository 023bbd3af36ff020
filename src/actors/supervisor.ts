import type { InspectionEvent } from 'xstate';
import type { ExecutionConfig } from '../core/config.js';
import type { Environment, Log } from '../core/environment.js';
import type { OrchestratorError } from '../core/errors.js';
import * as errors from '../core/errors.js';
import type { OrchestratorStats } from '../core/orchestrator-port.js';
import type { Ranking, Route, RouterPort } from '../core/route.js';
import type { Hire, Resize, SupervisorDuties } from '../machines/supervisor.machine.js';
import { nextTurn } from './assignment.js';
import type { Attempt } from './attempt.js';
import { Batch } from './batch.js';
import { CircuitWatch } from './circuit-watch.js';
import type { Crew } from './crew.js';
import { Deadlines } from './deadlines.js';
import { findWaiting, type RunningTask, runningTasks, type WaitingTask, waitingTasks } from './insight.js';
import { Ledger, type Observer } from './ledger.js';
import { Placement } from './placement.js';
import { RateGate } from './rate-gate.js';
import type { RegistryChange, ServiceDefinition } from './registry.js';
import { Roster } from './roster.js';
import type { InstancePorts, Report, ServiceInstance } from './service-instance.js';
import { createSupervisorActor, Drain, type SupervisorActor } from './supervisor-actor.js';
import type { TaskRecord } from './task-record.js';
import { Waiters } from './waiters.js';

/**
 * Owns: every accepted task from its acceptance to its result, and the parallel slots. Talks to: the instances (by
 * events), and to what keeps its parts: the ledger (states, counts, answers), the roster (crews, instances), placement
 * (which mailbox). It is one class because one place must see a slot, a task and an instance change together; whatever
 * can be decided apart stands in files of its own.
 *
 * Invariants (those of the parts stand there)
 * - I1 Attempts running ≤ maxParallel; abandoned attempts and tasks in backoff hold no slot.
 * - I2 Per service: instances with a task or held by an abandoned attempt ≤ concurrency.
 * - I6 First in, first out within a service and a priority. I7 No slot is free while a task could start.
 */

/** What the supervisor needs from outside. */
export interface SupervisorPorts {
  readonly config: ExecutionConfig;
  readonly environment: Environment;
  readonly router: RouterPort;
  readonly log: Log;
  readonly observer: Observer;
  /** XState's inspection, passed through under guard. */
  readonly inspect: ((event: InspectionEvent) => void) | undefined;
}

/** The logic behind the supervisor's machine, and the orders that the orchestrator gives it. */
export class Supervisor implements SupervisorDuties {
  readonly actor: SupervisorActor;
  readonly waiters = new Waiters();
  readonly #ports: SupervisorPorts;
  readonly #instancePorts: InstancePorts;
  readonly #deadlines: Deadlines;
  readonly #ledger: Ledger;
  readonly #roster: Roster;
  readonly #placement: Placement;
  readonly #circuits: CircuitWatch;
  readonly #rates: RateGate;
  readonly #drain: Drain;
  readonly #submissions: Batch<TaskRecord>;
  readonly #routed: Batch<TaskRecord>;
  readonly #reports: Batch<Report>;
  /** Tasks whose backoff is over, first come first served; they go before all others. */
  readonly #due = new Set<TaskRecord>();
  /** Crews with instances that finished since the last dispatch. */
  readonly #touched = new Set<Crew>();
  #hires: Hire[] = [];
  #maxParallel: number;
  #lastServed = -1;
  #isStopped = false;

  constructor(ports: SupervisorPorts) {
    const { config, environment, log, router } = ports;
    const { clock } = environment;
    const { taskConfig, routingConfig } = config;
    this.#ports = ports;
    this.#maxParallel = taskConfig.maxParallel;
    this.#deadlines = new Deadlines(clock, () => this.actor.send({ type: 'TICK' }));
    this.#ledger = new Ledger(clock, this.#deadlines, ports.observer);
    this.#roster = new Roster(taskConfig, clock, () => this.#maxParallel);
    const { mailboxCapacity } = taskConfig;
    const placing = { routingConfig, mailboxCapacity, clock, router };
    this.#placement = new Placement(placing, this.#roster, this.#ledger);
    this.#submissions = new Batch((tasks) => this.#deliver(tasks));
    this.#routed = new Batch((tasks) => this.actor.send({ type: 'ROUTED', tasks }));
    this.#reports = new Batch((reports) => this.actor.send({ type: 'REPORT', reports }));
    this.#instancePorts = {
      clock,
      log,
      random: environment.random,
      deadlines: this.#deadlines,
      backoff: { baseMs: taskConfig.backoffBaseSeconds * 1000, capMs: taskConfig.backoffCapSeconds * 1000 },
      retryBudgetRatio: taskConfig.retryBudgetRatio,
      maxResultBytes: taskConfig.maxResultBytes,
      started: (instance, task) => this.#tellAttempt('started', task, instance, task.attempts),
      willRetry: (task) => this.#ledger.countRetry(task),
      report: (report) => this.#reports.post(report),
    };
    this.#circuits = new CircuitWatch(
      { clock, log, deadlines: this.#deadlines },
      this.#ledger,
      this.#placement,
    );
    this.#rates = new RateGate(taskConfig.rateLimit, clock, this.#deadlines);
    this.actor = createSupervisorActor(this, {
      clock,
      log,
      inspect: ports.inspect,
      collapsed: (cause) => this.#collapse(cause),
    });
    this.#drain = new Drain(this.actor, clock);
  }

  // Orders of the orchestrator.

  start(definitions: Iterable<ServiceDefinition>): void {
    for (const definition of definitions) this.#roster.open(definition);
    this.actor.start();
    if (this.#ports.config.taskConfig.startPaused) this.actor.send({ type: 'PAUSE' });
  }

  submit(task: TaskRecord): void {
    this.#ledger.accept(task);
    this.#submissions.post(task);
  }

  /** Answers a task that is not even routed. */
  answerAtOnce(task: TaskRecord, status: 'rejected' | 'cancelled', error: OrchestratorError): void {
    this.#ledger.accept(task);
    this.#ledger.fail(task, status, error);
    this.#ledger.announce();
  }

  /** Reserves an id that the caller chose; false when an open task has it. */
  claimId(task: TaskRecord): boolean {
    return this.#ledger.claimId(task);
  }

  requestCancel(task: TaskRecord, reason: unknown): void {
    this.actor.send({ type: 'CANCEL', task, reason });
  }

  clearWaiting(reason: unknown): void {
    this.#submissions.flush();
    this.actor.send({ type: 'CLEAR', reason });
  }

  /** Accepts nothing more; resolves once every accepted task is answered, at the latest after `drainMs`. */
  drain(drainMs: number): Promise<void> {
    this.#submissions.flush();
    return this.#drain.begin(drainMs);
  }

  /** Calls a service's `close()` under guard. */
  async closeService({ name, close }: ServiceDefinition): Promise<void> {
    try {
      await close?.();
    } catch (cause) {
      this.#ports.log.warn({ service: name, cause }, 'a service failed to close');
    }
  }

  // Insight.

  get crews(): readonly Crew[] {
    return this.#roster.turns;
  }

  get queued(): number {
    return this.#ledger.queued;
  }

  get running(): number {
    return this.#ledger.running;
  }

  get isPaused(): boolean {
    return this.actor.getSnapshot().matches({ running: 'paused' });
  }

  get isRateLimited(): boolean {
    return this.#rates.isLimited;
  }

  /** Something waits and nothing more can start; never while paused. */
  get isSaturated(): boolean {
    if (this.isPaused || this.#ledger.counts.queued === 0) return false;
    return !this.#mayStart() || this.#roster.turns.every(({ canStart }) => !canStart);
  }

  runningTasks(): RunningTask[] {
    return runningTasks(this.#roster.all, this.#now());
  }

  waitingTasks(): WaitingTask[] {
    return waitingTasks(this.#roster.turns, this.#now());
  }

  /** Moves a waiting task to another priority; false when no task of this id waits. */
  setPriority(taskId: string, priority: number): boolean {
    this.#submissions.flush();
    const task = findWaiting(this.#roster.turns, taskId);
    task?.crew?.mailbox.reprioritise(task, priority);
    return task !== undefined;
  }

  stats(): OrchestratorStats {
    const { running, queued, counts, abandoned, totals } = this.#ledger;
    const { timed_out: timedOut, interrupted: _, ...others } = totals;
    const isPaused = this.actor.getSnapshot().matches({ running: 'paused' });
    const now = {
      maxParallel: this.#maxParallel,
      running,
      queued,
      retrying: counts.retrying,
      abandoned,
      isPaused,
    };
    return { ...now, ...others, timedOut };
  }

  /** Where a task with this ranking would go just now. */
  decide(ranking: Ranking): Route {
    return this.#placement.decide(ranking);
  }

  toJSON(): object {
    const { running, queued } = this.#ledger;
    return { maxParallel: this.#maxParallel, running, queued, services: this.#roster.turns };
  }

  // Duties: called by the machine.

  admit(tasks: readonly unknown[]): void {
    for (const task of tasks as readonly TaskRecord[]) {
      if (task.state !== 'accepted') continue;
      this.#ledger.armLimits(
        task,
        () => this.#failDeadline(task),
        () => this.#failQueue(task),
      );
      this.#placement.admit(task, (ranked) => this.#routed.post(ranked));
    }
  }

  place(tasks: readonly unknown[]): void {
    for (const task of tasks as readonly TaskRecord[]) {
      if (task.state === 'routing') this.#placement.place(task);
    }
  }

  refuse(tasks: readonly unknown[]): void {
    for (const task of tasks as readonly TaskRecord[]) {
      if (task.state === 'accepted') this.#ledger.refuse(task, errors.shuttingDown());
    }
  }

  settle(reports: readonly unknown[]): void {
    const all = reports as readonly Report[];
    // "Down" is handled before results, or a task would be assigned to a service that just died.
    for (const report of all)
      if (report.kind === 'circuit') this.#circuits.changed(report.crew, report.state);
    for (const report of all) if (report.kind !== 'circuit') this.#onReport(report);
  }

  cancel(task: unknown, reason: unknown): void {
    this.#end(task as TaskRecord, 'cancelled', errors.cancelled(reason), reason);
  }

  clear(reason: unknown): void {
    for (const crew of this.#roster.turns) {
      for (const task of [...crew.mailbox]) this.cancel(task, reason);
    }
    for (const task of [...this.#ledger.inTransit]) if (task.state === 'routing') this.cancel(task, reason);
  }

  expire(): void {
    this.#deadlines.expire();
  }

  resize({ maxParallel, service, concurrency }: Resize): void {
    if (maxParallel !== undefined) this.#maxParallel = maxParallel;
    const crew = this.#roster.crewOf(service ?? null);
    if (crew && concurrency !== undefined) crew.ownConcurrency = concurrency;
  }

  restaff(change: unknown): void {
    const { name, current } = change as RegistryChange;
    const old = current === null ? this.#roster.retire(name) : this.#roster.open(current).replaced;
    this.#lastServed = -1;
    if (old === undefined) return;
    this.#circuits.forget(old);
    for (const task of [...old.mailbox]) {
      old.mailbox.remove(task);
      this.#placement.moveAway(task);
    }
    this.#touched.add(old);
  }

  dispatch(): void {
    this.#resumeDue();
    while (this.#mayStart()) {
      const index = nextTurn(this.#roster.turns, this.#lastServed);
      const crew = this.#roster.turns[index];
      if (crew === undefined) break;
      this.#lastServed = index;
      this.#startNext(crew);
    }
    if (this.#hires.length > 0) {
      const hires = this.#hires;
      this.#hires = [];
      this.actor.send({ type: 'HIRE', hires });
    }
    this.notify();
  }

  notify(): void {
    this.#releaseFinished();
    const { turns } = this.#roster;
    if (this.#rates.review(turns, this.#ledger.running)) {
      this.#ledger.tell({ type: 'rate_limit', atMs: this.#now(), isLimited: this.#rates.isLimited });
    }
    this.#deadlines.rest();
    this.#ledger.announce();
    this.waiters.check();
  }

  abandonAll(): void {
    this.#isStopped = true;
    this.#drain.end();
    const open = new Set(this.#ledger.inTransit);
    for (const crew of this.#roster.all) {
      for (const task of crew.mailbox) open.add(task);
      for (const { task } of crew.instances) if (task) open.add(task);
    }
    for (const task of open) this.#end(task, 'cancelled', errors.shuttingDown());
    this.#deadlines.clear();
    this.notify();
  }

  bury(actorId: string, cause: unknown): void {
    const instance = this.#roster.instances.get(actorId);
    if (instance === undefined) return;
    const error = this.#internalError(cause, { instance: actorId });
    if (instance.task !== null) this.#end(instance.task, 'failed', error);
    if (instance.isHeld) this.#ledger.countAbandoned(instance.crew, -1);
    this.#roster.remove(instance);
  }

  hasOpenTasks(): boolean {
    return this.#ledger.open > 0;
  }

  // Starting.

  #mayStart(): boolean {
    const { running } = this.#ledger;
    return running < this.#maxParallel && this.#rates.allows(running);
  }

  #resumeDue(): void {
    for (const task of this.#due) {
      if (!this.#mayStart()) return;
      const { instance, crew } = task;
      // Its circuit may have opened: then the instance gave the task back, and the report is under way.
      if (crew === null || instance?.task !== task || !crew.isWithinRate) continue;
      this.#forgetDue(task);
      this.#rates.started(crew, this.#ledger.running);
      this.#ledger.enter(task, 'busy');
      instance.actor?.send({ type: 'RESUME' });
    }
  }

  #startNext(crew: Crew): void {
    const task = crew.mailbox.take();
    if (task === undefined) return;
    if (this.#ledger.isOverdue(task)) {
      this.#failDeadline(task);
      return;
    }
    this.#rates.started(crew, this.#ledger.running);
    const isProbe = crew.circuit.state !== 'closed';
    if (isProbe) crew.circuit.beginProbe();
    const finished = crew.finished.pop();
    const instance = finished ?? crew.free.pop();
    if (instance) this.#assign(task, instance, isProbe && finished === undefined ? 'PROBE' : 'ASSIGN');
    else this.#hireFor(task, crew);
  }

  #assign(task: TaskRecord, instance: ServiceInstance, type: 'ASSIGN' | 'PROBE'): void {
    task.instance = instance;
    this.#ledger.enter(task, 'busy');
    if (task.attempts === 0) this.#ledger.dropTimers(task, 'queue');
    instance.actor?.send({ type, task });
  }

  #hireFor(task: TaskRecord, crew: Crew): void {
    const instance = this.#roster.newInstance(crew, this.#instancePorts);
    this.#ledger.enter(task, 'assigned');
    this.#hires.push({
      id: instance.id,
      duties: instance,
      hired: (actor) => {
        instance.actor = actor;
        // The task may have been cancelled while its instance was hired.
        if (task.state === 'assigned') this.#assign(task, instance, 'ASSIGN');
        else this.#free(instance);
      },
    });
  }

  /** Instances that finished and got no other task go back to idle; a retired crew goes home. */
  #releaseFinished(): void {
    for (const crew of this.#touched) {
      for (const instance of crew.finished) {
        instance.actor?.send({ type: 'RELEASE' });
        crew.free.push(instance);
      }
      crew.finished.length = 0;
      const ids = crew.isRetired ? this.#roster.dismiss(crew) : null;
      if (ids === null) continue;
      this.actor.send({ type: 'DISMISS', ids });
      void this.closeService(crew.definition);
    }
    this.#touched.clear();
  }

  // Reports.

  #onReport(report: Exclude<Report, { kind: 'circuit' }>): void {
    const { instance, task } = report;
    if (this.#roster.instances.get(instance.id) !== instance) return;
    // A late report is about an earlier attempt: the instance is freed, the task is not touched.
    const isPresent = task.state !== 'settled' && task.instance === instance;
    switch (report.kind) {
      case 'completed':
        this.#finish(instance);
        if (isPresent) this.#ledger.complete(task, report.value);
        return;
      case 'failed':
        if (report.instanceIs === 'finished') this.#finish(instance);
        else this.#free(instance);
        if (isPresent) this.#afterFailure(report);
        return;
      case 'timed_out':
        this.#hold(task, instance, report.attempt);
        if (isPresent) this.#afterFailure(report);
        return;
      case 'ended':
        this.#ledger.totals.lateSettlements += 1;
        this.#ledger.countAbandoned(instance.crew, -1);
        this.#tellAttempt('ended', task, instance, report.attempt);
        this.#finish(instance);
        return;
      case 'backoff':
        if (!isPresent) return;
        this.#ledger.enter(task, 'retrying');
        this.#tellBackoff(task, report.delayMs);
        return;
      case 'due':
        if (!isPresent || task.state !== 'retrying') return;
        this.#due.add(task);
        instance.crew.due += 1;
        return;
      case 'returned':
        this.#free(instance);
        this.#forgetDue(task);
        if (isPresent) this.#placement.sendBack(task);
        return;
      case 'refused':
        // Cannot happen while the books are right; when they are not the task must not be lost.
        this.#ports.log.error({ taskId: task.id, instance: instance.id }, 'an instance refused a task');
        if (instance.task === null) this.#free(instance);
        if (isPresent) this.#placement.sendBack(task);
        return;
    }
  }

  #afterFailure({ task, failure, retryDelayMs }: Extract<Report, { kind: 'failed' | 'timed_out' }>): void {
    task.lastFailure = failure.error;
    if (task.crew) task.crew.lastError = failure.error.message;
    if (retryDelayMs === null) {
      const status = failure.error.code === 'TIMEOUT' ? 'timed_out' : 'failed';
      this.#ledger.fail(task, status, failure.error);
      return;
    }
    // Its instance is held or down: the task backs off by itself and then takes another instance.
    task.instance = null;
    this.#ledger.enter(task, 'retrying');
    this.#tellBackoff(task, retryDelayMs);
    if (retryDelayMs === 0) this.#placement.sendBack(task);
    else {
      const dueMs = this.#now() + retryDelayMs;
      this.#ledger.addTimer(task, 'backoff', dueMs, () => this.#placement.sendBack(task));
    }
  }

  #finish(instance: ServiceInstance): void {
    instance.crew.finished.push(instance);
    this.#touched.add(instance.crew);
  }

  #free(instance: ServiceInstance): void {
    instance.crew.free.push(instance);
    this.#touched.add(instance.crew);
  }

  /** The attempt was given up and its code still runs: it holds its instance. */
  #hold(task: TaskRecord, instance: ServiceInstance, attempt: number): void {
    this.#ledger.countAbandoned(instance.crew, 1);
    this.#tellAttempt('abandoned', task, instance, attempt);
    this.#circuits.watchHeld(instance.crew);
  }

  // Ending a task from outside: cancel, deadline, queue timeout, shutdown, defect.

  #failDeadline(task: TaskRecord): void {
    const seconds = (task.settings.deadlineMs ?? 0) / 1000;
    this.#end(task, 'timed_out', errors.deadlinePassed(task.crew?.name ?? null, seconds));
  }

  #failQueue(task: TaskRecord): void {
    const waiting = (task.crew?.mailbox.size ?? 1) - 1;
    const seconds = (task.settings.queueTimeoutMs ?? 0) / 1000;
    this.#end(task, 'timed_out', errors.queueTimedOut(task.crew?.name ?? null, seconds, waiting));
  }

  /** Takes an open task out of wherever it is and answers it; the signal of a running attempt fires last. */
  #end(
    task: TaskRecord,
    status: 'cancelled' | 'timed_out' | 'failed',
    error: OrchestratorError,
    reason: unknown = error,
  ): void {
    if (task.state === 'settled') return;
    const { instance } = task;
    let attempt: Attempt | null = null;
    if (task.state === 'queued') task.crew?.mailbox.remove(task);
    // An instance that let go of the task has a report under way, which frees it.
    else if (instance?.task === task) {
      attempt = instance.abandon();
      if (attempt === null) this.#endBackoff(instance);
    } else if (task.state === 'assigned' && task.crew) {
      // Its probe, if it was one, ends without a verdict.
      task.crew.circuit.probeWithoutVerdict(task.crew.circuit.epoch, this.#now());
    }
    this.#forgetDue(task);
    if (attempt && instance) this.#hold(task, instance, task.attempts);
    this.#ledger.fail(task, status, error);
    attempt?.abort(reason);
  }

  #endBackoff(instance: ServiceInstance): void {
    instance.forget();
    instance.actor?.send({ type: 'CANCEL_BACKOFF' });
    this.#free(instance);
  }

  // Smaller things.

  #forgetDue(task: TaskRecord): void {
    if (this.#due.delete(task) && task.crew) task.crew.due -= 1;
  }

  #now(): number {
    return this.#ports.environment.clock.now();
  }

  #tellAttempt(
    type: 'started' | 'abandoned' | 'ended',
    task: TaskRecord,
    instance: ServiceInstance,
    attempt: number,
  ): void {
    if (!this.#ledger.isObserved) return;
    const { id, crew } = instance;
    this.#ledger.tell({
      type,
      atMs: this.#now(),
      taskId: task.id,
      service: crew.name,
      instance: id,
      attempt,
    });
  }

  #tellBackoff({ id: taskId, crew, attempts: attempt }: TaskRecord, delayMs: number): void {
    if (crew === null) return;
    this.#ledger.tell({ type: 'backoff', atMs: this.#now(), taskId, service: crew.name, attempt, delayMs });
  }

  #deliver(tasks: readonly TaskRecord[]): void {
    if (!this.#isStopped) {
      this.actor.send({ type: 'SUBMIT', tasks });
      return;
    }
    this.refuse(tasks);
    this.notify();
  }

  #internalError(cause: unknown, facts: object): OrchestratorError {
    const errorId = this.#ports.environment.createId();
    this.#ports.log.error({ ...facts, errorId, cause }, 'a defect inside gaffr');
    return errors.internalError(errorId, cause);
  }

  /** A defect of ours must not leave a caller waiting. */
  #collapse(cause: unknown): void {
    this.#internalError(cause, { actor: 'supervisor' });
    this.abandonAll();
  }
}

import type { InspectionEvent } from 'xstate';
import type { ExecutionConfig } from '../core/config.js';
import type { Environment, Log } from '../core/environment.js';
import type { OrchestratorError } from '../core/errors.js';
import * as errors from '../core/errors.js';
import type { OrchestratorStats } from '../core/orchestrator-port.js';
import type { Ranking, Route, RouterPort } from '../core/route.js';
import type { Hire, Resize, SupervisorDuties, SupervisorEvent } from '../machines/supervisor.machine.js';
import { nextTurn } from './assignment.js';
import type { Attempt } from './attempt.js';
import { Batch } from './batch.js';
import { CircuitWatch } from './circuit-watch.js';
import type { Crew } from './crew.js';
import { Deadlines } from './deadlines.js';
import { findWaiting, type RunningTask, runningTasks, type WaitingTask, waitingTasks } from './insight.js';
import { Ledger, type Observer } from './ledger.js';
import { Placement } from './placement.js';
import type { QueueLoad } from './queue-events.js';
import { RateGate } from './rate-gate.js';
import type { RegistryChange, ServiceDefinition } from './registry.js';
import { Roster } from './roster.js';
import type { InstancePorts, Report, ServiceInstance } from './service-instance.js';
import { createSupervisorActor, Drain, type SupervisorActor } from './supervisor-actor.js';
import type { TaskRecord, TaskState } from './task-record.js';
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

/** How long a service's `close()` is waited for, in milliseconds. */
const CLOSE_LIMIT_MS = 5000;

/** States of a task before its first start. */
const WAITING: ReadonlySet<TaskState> = new Set(['accepted', 'routing', 'queued']);

/** What the supervisor needs from outside. */
export interface SupervisorPorts {
  readonly config: ExecutionConfig;
  readonly environment: Environment;
  readonly router: RouterPort;
  readonly log: Log;
  readonly observer: Observer;
  /** XState's inspection, passed through under guard. */
  readonly inspect: ((event: InspectionEvent) => void) | undefined;
  /** Whether events that keep the state skip XState's interpreter. */
  readonly fastLane: boolean;
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
  /** Set as soon as a pause is asked for: from then on nothing starts, though its event may have to wait. */
  #isPauseAsked = false;
  #isDraining = false;
  /** Tasks handed to the actor that it has not taken in. */
  readonly #delivered = new Set<readonly TaskRecord[]>();

  constructor(ports: SupervisorPorts) {
    const { config, environment, log, router } = ports;
    const { clock } = environment;
    const { taskConfig, routingConfig } = config;
    this.#ports = ports;
    this.#maxParallel = taskConfig.maxParallel;
    this.#deadlines = new Deadlines(clock, () => this.send({ type: 'TICK' }));
    this.#ledger = new Ledger(clock, this.#deadlines, ports.observer);
    this.#roster = new Roster(taskConfig, clock, () => this.#maxParallel);
    const { mailboxCapacity } = taskConfig;
    const placing = { routingConfig, mailboxCapacity, clock, router };
    this.#placement = new Placement(placing, this.#roster, this.#ledger);
    this.#submissions = new Batch((tasks) => this.#deliver(tasks));
    this.#routed = new Batch((tasks) => this.send({ type: 'ROUTED', tasks }));
    this.#reports = new Batch((reports) => this.send({ type: 'REPORT', reports }));
    this.#instancePorts = {
      clock,
      log,
      random: environment.random,
      deadlines: this.#deadlines,
      backoff: { baseMs: taskConfig.backoffBaseSeconds * 1000, capMs: taskConfig.backoffCapSeconds * 1000 },
      retryBudgetRatio: taskConfig.retryBudgetRatio,
      maxResultBytes: taskConfig.maxResultBytes,
      mayStart: ({ cancelRequest }) => cancelRequest === null && !this.#isPauseAsked,
      started: (instance, task) => {
        if (task.attempts === 1) this.#ledger.dropTimers(task, 'queue');
        this.#tellAttempt('started', task, instance, task.attempts);
      },
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
      fastLane: ports.fastLane,
      collapsed: (cause) => this.#collapse(cause),
    });
    this.#drain = new Drain(this.actor, clock);
  }

  // Orders of the orchestrator.

  start(definitions: Iterable<ServiceDefinition>): void {
    for (const definition of definitions) this.#roster.open(definition);
    this.actor.start();
    if (this.#ports.config.taskConfig.startPaused) this.pause();
  }

  pause(): void {
    // A drain ends what was accepted; paused it would only wait for its time limit.
    if (this.#isDraining) return;
    this.#isPauseAsked = true;
    this.send({ type: 'PAUSE' });
  }

  resume(): void {
    this.#isPauseAsked = false;
    this.send({ type: 'RESUME' });
  }

  /** Sends an event to the machine; one that has stopped takes none. */
  send(event: SupervisorEvent): void {
    if (!this.#isStopped) this.actor.send(event);
  }

  submit(task: TaskRecord): void {
    this.#ledger.accept(task);
    this.#submissions.post(task);
  }

  /** Answers a task that is not even routed. */
  answerAtOnce(
    task: TaskRecord,
    status: 'rejected' | 'cancelled' | 'timed_out',
    error: OrchestratorError,
  ): void {
    this.#ledger.accept(task);
    this.#ledger.fail(task, status, error);
    this.#ledger.announce();
  }

  /** Watches the deadline of a task that waits for another one's result. */
  armDeadline(task: TaskRecord, onDeadline: () => void): void {
    const { deadlineMs } = task.settings;
    if (deadlineMs === null) return;
    this.#ledger.addTimer(task, 'deadline', task.acceptedAtMs + deadlineMs, onDeadline);
  }

  /** The task waits no longer. */
  dropDeadline(task: TaskRecord): void {
    this.#ledger.dropTimers(task);
  }

  /** Reserves an id that the caller chose; false when an open task has it. */
  claimId(task: TaskRecord): boolean {
    return this.#ledger.claimId(task);
  }

  requestCancel(task: TaskRecord, reason: unknown): void {
    task.cancelRequest ??= { reason };
    this.send({ type: 'CANCEL', task, reason });
  }

  clearWaiting(reason: unknown): void {
    this.#submissions.flush();
    this.send({ type: 'CLEAR', reason });
  }

  /** Accepts nothing more; resolves once every accepted task is answered, at the latest after `drainMs`. */
  drain(drainMs: number): Promise<void> {
    this.#submissions.flush();
    this.#isDraining = true;
    this.#isPauseAsked = false;
    return this.#drain.begin(drainMs);
  }

  /** Calls a service's `close()` under guard, and waits for it no longer than {@link CLOSE_LIMIT_MS}. */
  async closeService({ name, close }: ServiceDefinition): Promise<void> {
    if (close === null) return;
    const { clock } = this.#ports.environment;
    let timer: unknown;
    const limit = new Promise<never>((_, reject) => {
      const late = new Error(`close() did not end within ${CLOSE_LIMIT_MS} ms`);
      timer = clock.setTimeout(() => reject(late), CLOSE_LIMIT_MS);
    });
    try {
      await Promise.race([close(), limit]);
    } catch (cause) {
      this.#ports.log.warn({ service: name, cause }, 'a service failed to close');
    } finally {
      clock.clearTimeout(timer);
    }
  }

  // Insight.

  /** Services with a crew, also those that were removed and whose last attempt has not ended. */
  get definitions(): readonly ServiceDefinition[] {
    return this.#roster.all.map(({ definition }) => definition);
  }

  get crews(): readonly Crew[] {
    return this.#roster.turns;
  }

  get queued(): number {
    return this.#ledger.queued;
  }

  get running(): number {
    return this.#ledger.running;
  }

  /** Tasks that are not settled, and those among them that wait for their start. */
  load(): QueueLoad {
    const tasks = [...this.#submissions.items, ...[...this.#delivered].flat(), ...this.#ledger.inTransit];
    for (const { mailbox } of this.#roster.all) for (const task of mailbox) tasks.push(task);
    const waiting = tasks.filter(({ state }) => WAITING.has(state)).map(({ id }) => id);
    return { open: this.#ledger.open, waiting };
  }

  get isPaused(): boolean {
    return this.#isPauseAsked || this.actor.getSnapshot().matches({ running: 'paused' });
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
    if (task === undefined) return false;
    task.crew?.mailbox.reprioritise(task, priority);
    this.#ledger.tell({ type: 'reprioritised', atMs: this.#now(), taskId, priority });
    this.#ledger.announce();
    return true;
  }

  stats(): OrchestratorStats {
    const { running, queued, counts, abandoned, totals } = this.#ledger;
    const { timed_out: timedOut, interrupted: _, ...others } = totals;
    const { isPaused } = this;
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
    this.#delivered.delete(tasks as readonly TaskRecord[]);
    for (const task of tasks as readonly TaskRecord[]) {
      if (task.state !== 'accepted') continue;
      this.#ledger.armLimits(
        task,
        () => this.#failDeadline(task),
        () => this.#failQueue(task),
      );
      this.#placement.admit(task, (ranked) => this.#routed.post(ranked));
      this.#relieve(task.crew);
    }
  }

  place(tasks: readonly unknown[]): void {
    for (const task of tasks as readonly TaskRecord[]) {
      if (task.state !== 'routing') continue;
      this.#placement.place(task);
      this.#relieve(task.crew);
    }
  }

  refuse(tasks: readonly unknown[]): void {
    this.#delivered.delete(tasks as readonly TaskRecord[]);
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
    this.#startWaiting();
    if (this.#hires.length > 0) {
      const hires = this.#hires;
      this.#hires = [];
      this.send({ type: 'HIRE', hires });
    }
    this.notify();
  }

  notify(): void {
    this.#releaseFinished();
    if (this.#rates.review(this.#roster.all, this.#ledger.running)) {
      this.#ledger.tell({ type: 'rate_limit', atMs: this.#now(), isLimited: this.#rates.isLimited });
    }
    this.#deadlines.rest();
    this.#ledger.announce();
    this.waiters.check();
  }

  abandonAll(): void {
    this.#isStopped = true;
    this.#drain.end();
    // What instances report is under way, and may lead to further reports: nobody else would answer those tasks.
    for (let all = this.#reports.take(); all.length > 0; all = this.#reports.take()) this.settle(all);
    const open = new Set(this.#ledger.inTransit);
    for (const crew of this.#roster.all) {
      for (const task of crew.mailbox) open.add(task);
      for (const { task } of crew.instances) if (task) open.add(task);
    }
    for (const task of open) this.#end(task, 'cancelled', errors.shuttingDown());
    for (const tasks of this.#delivered) this.refuse(tasks);
    this.#deadlines.clear();
    this.notify();
  }

  bury(actorId: string, cause: unknown): void {
    const instance = this.#roster.instances.get(actorId);
    if (instance === undefined) return;
    const error = this.#internalError(cause, { instance: actorId });
    // What died takes no event.
    instance.actor = null;
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
    return !this.#isPauseAsked && running < this.#maxParallel && this.#rates.allows(running);
  }

  #startWaiting(): void {
    this.#resumeDue();
    while (this.#mayStart()) {
      const index = nextTurn(this.#roster.turns, this.#lastServed);
      const crew = this.#roster.turns[index];
      if (crew === undefined) break;
      this.#lastServed = index;
      this.#startNext(crew);
    }
  }

  /** Many tasks may come in one event: a mailbox that is full makes room, where it can, before the next one is placed. */
  #relieve(crew: Crew | null): void {
    if (crew?.mailbox.isFull && !this.isPaused) this.#startWaiting();
  }

  #resumeDue(): void {
    for (const task of this.#due) {
      if (!this.#mayStart()) return;
      const { instance, crew, cancelRequest } = task;
      if (cancelRequest !== null) continue;
      // Its circuit may have opened: then the instance gives the task back, and the report is under way.
      if (crew === null || instance?.task !== task || instance.isDown() || !crew.isWithinRate) continue;
      this.#forgetDue(task);
      this.#rates.started(crew, this.#ledger.running);
      this.#ledger.enter(task, 'busy');
      instance.actor?.send({ type: 'RESUME' });
    }
  }

  #startNext(crew: Crew): void {
    const task = crew.mailbox.take();
    if (task === undefined) return;
    if (task.cancelRequest !== null) {
      this.cancel(task, task.cancelRequest.reason);
      return;
    }
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
        if (task.state === 'assigned' && task.cancelRequest === null) this.#assign(task, instance, 'ASSIGN');
        else {
          this.#rates.withdrawn(crew);
          if (instance.isDown()) actor.send({ type: 'CIRCUIT_OPENED' });
          this.#free(instance);
        }
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
      this.send({ type: 'DISMISS', ids });
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
        if (isPresent) this.#tellAttempt('abandoned', task, instance, report.attempt);
        this.#hold(instance);
        if (isPresent) this.#afterFailure(report);
        return;
      case 'ended':
        this.#ledger.totals.lateSettlements += 1;
        this.#ledger.countAbandoned(instance.crew, -1);
        this.#circuits.noLongerHeld(instance.crew);
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
      case 'skipped':
        this.#rates.withdrawn(instance.crew);
        this.#finish(instance);
        if (isPresent) this.#placement.unassign(task);
        return;
      case 'refused':
        // The circuit opened between assignment and start. The task keeps its place.
        this.#ports.log.debug({ taskId: task.id, instance: instance.id }, 'an instance refused a task');
        if (instance.task === null) this.#free(instance);
        if (isPresent) this.#placement.unassign(task);
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
  #hold(instance: ServiceInstance): void {
    this.#ledger.countAbandoned(instance.crew, 1);
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
    if (instance?.isHeld && task.state === 'busy') {
      this.#tellAttempt('abandoned', task, instance, task.attempts);
    }
    if (attempt && instance) this.#hold(instance);
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
      this.#delivered.add(tasks);
      this.send({ type: 'SUBMIT', tasks });
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

import type { InspectionEvent } from 'xstate';
import type { ExecutionConfig } from '../core/config.js';
import type { EngineLimits, TaskKeeper } from '../core/engine.js';
import type { Environment, Log } from '../core/environment.js';
import type { OrchestratorError } from '../core/errors.js';
import * as errors from '../core/errors.js';
import { finiteOrNull } from '../core/finite-or-null.js';
import type { OrchestratorStats } from '../core/orchestrator-port.js';
import type { Ranking, Route, RouterPort } from '../core/route.js';
import type { Tracing } from '../core/tracing.js';
import type { Resize, SupervisorDuties, SupervisorEvent } from '../machines/supervisor.machine.js';
import { Batch } from './batch.js';
import { CircuitWatch } from './circuit-watch.js';
import { closeService } from './close-service.js';
import type { Crew } from './crew.js';
import { Custody } from './custody.js';
import { Deadlines } from './deadlines.js';
import { Dispatcher } from './dispatcher.js';
import { Drain } from './drain.js';
import { Endings } from './endings.js';
import { findWaiting, type RunningTask, runningTasks, type WaitingTask, waitingTasks } from './insight.js';
import { Ledger, type Observer } from './ledger.js';
import { Placement } from './placement.js';
import type { QueueLoad } from './queue-events.js';
import { RateGate } from './rate-gate.js';
import type { RegistryChange, ServiceDefinition } from './registry.js';
import type { Report } from './report.js';
import { Roster } from './roster.js';
import type { InstancePorts } from './service-instance.js';
import { Settlement } from './settlement.js';
import { createSupervisorActor, type SupervisorActor } from './supervisor-actor.js';
import type { TaskRecord, TaskState } from './task-record.js';
import { Waiters } from './waiters.js';

/**
 * Owns: the parts that keep every accepted task from its acceptance to its result, and the door to them. The machine says
 * when, the parts do it: the ledger (states, counts, answers), the roster (crews, instances), placement (which mailbox),
 * the dispatcher (slots, turns), the settlement (reports), the endings (cancel and time limits), the circuits.
 *
 * Invariants stand with the part that keeps them: I1, I2, I7 dispatcher · I3, I4, I5 ledger · I6 mailbox.
 */

/** States of a task before its first start. */
const WAITING: ReadonlySet<TaskState> = new Set(['accepted', 'routing', 'queued']);

/** What the supervisor needs from outside. */
export interface SupervisorPorts {
  readonly config: ExecutionConfig;
  readonly environment: Environment;
  readonly router: RouterPort;
  /** The services that are registered just now. */
  readonly registered: () => Iterable<ServiceDefinition>;
  readonly log: Log;
  readonly observer: Observer;
  readonly tracing: Tracing | null;
  /** Keeps tasks beyond the process; null under an engine that does not. */
  readonly keeper: TaskKeeper | null;
  /** Told of every task that is accepted, with its text, before any fact of it; null while nobody listens. */
  readonly acceptance: () => ((task: TaskRecord) => void) | null;
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
  readonly #deadlines: Deadlines;
  readonly #ledger: Ledger;
  readonly #roster: Roster;
  readonly #placement: Placement;
  readonly #circuits: CircuitWatch;
  readonly #rates: RateGate;
  readonly #dispatcher: Dispatcher;
  readonly #endings: Endings;
  readonly #settlement: Settlement;
  /** Where the engine gives its word on tasks. */
  readonly custody: Custody;
  readonly #drain: Drain;
  readonly #submissions: Batch<TaskRecord>;
  readonly #routed: Batch<TaskRecord>;
  readonly #reports: Batch<Report>;
  #isStopped = false;
  #isDraining = false;
  /** A drain without any time was asked for: nothing more begins. */
  #isEnding = false;
  /** The last change of each limit that was asked for, by service; null for all. */
  readonly #asked = new Map<string | null, Resize>();
  /** Tasks handed to the actor that it has not taken in. */
  readonly #delivered = new Set<readonly TaskRecord[]>();

  constructor(ports: SupervisorPorts) {
    const { config, environment, log, router } = ports;
    const { clock } = environment;
    const { taskConfig, routingConfig } = config;
    this.#ports = ports;
    this.#deadlines = new Deadlines(clock, () => this.send({ type: 'TICK' }));
    this.#ledger = new Ledger({ ...ports, clock }, this.#deadlines);
    this.#roster = new Roster(taskConfig, clock, () => this.#dispatcher.maxParallel);
    const { mailboxCapacity } = taskConfig;
    const placing = { routingConfig, mailboxCapacity, clock, router };
    this.#placement = new Placement(placing, this.#roster, this.#ledger);
    this.#submissions = new Batch((tasks) => this.#deliver(tasks));
    this.#routed = new Batch((tasks) => this.send({ type: 'ROUTED', tasks }));
    this.#reports = new Batch((reports) => this.send({ type: 'REPORT', reports }));
    const instancePorts: InstancePorts = {
      clock,
      log,
      random: environment.random,
      deadlines: this.#deadlines,
      backoff: { baseMs: taskConfig.backoffBaseSeconds * 1000, capMs: taskConfig.backoffCapSeconds * 1000 },
      retryBudgetRatio: taskConfig.retryBudgetRatio,
      retryAfterCapMs: taskConfig.retryAfterCapSeconds * 1000,
      maxResultBytes: taskConfig.maxResultBytes,
      tracing: ports.tracing,
      keeper: ports.keeper,
      mayStart: (task) => this.#dispatcher.stillAllows(task),
      started: (instance, task) => {
        if (task.attempts === 1) this.#ledger.dropTimers(task, 'queue');
        this.#ledger.tellAttempt('started', task, instance, task.attempts);
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
    const parts = { ledger: this.#ledger, roster: this.#roster, placement: this.#placement };
    this.#endings = new Endings(clock, this.#ledger, this.#circuits, () => this.#dispatcher);
    this.custody = new Custody({
      keeper: ports.keeper,
      ledger: this.#ledger,
      waiters: this.waiters,
      run: (task) => this.#submissions.post(task),
      route: (task) => this.#placement.routeElsewhere(task),
      cancel: (task, reason) => this.requestCancel(task, reason),
      isDraining: () => this.#isDraining,
      armDeadline: (task, graceMs) =>
        this.#ledger.armDeadline(task, () => this.#endings.failDeadline(task), graceMs),
      ended: () => {
        if (this.#isDraining) this.send({ type: 'TICK' });
      },
    });
    this.#dispatcher = new Dispatcher(
      { ...parts, clock, rates: this.#rates, instancePorts, isInspected: ports.inspect !== undefined },
      taskConfig.maxParallel,
      {
        endInstead: (task) => this.#endings.endInstead(task),
        lose: ({ id }, cause) => {
          this.bury(id, cause);
          this.send({ type: 'DISMISS', ids: [id] });
        },
      },
    );
    this.#settlement = new Settlement(
      { clock, log },
      { ...parts, circuits: this.#circuits, dispatcher: this.#dispatcher },
    );
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

  start(): void {
    for (const definition of this.#ports.registered()) this.#roster.open(definition);
    this.actor.start();
    if (this.#ports.config.taskConfig.startPaused) this.pause();
  }

  pause(): void {
    // A drain ends what was accepted; paused it would only wait for its time limit.
    if (this.#isDraining) return;
    this.#dispatcher.isHeldBack = true;
    this.send({ type: 'PAUSE' });
  }

  resume(): void {
    if (this.#isEnding) return;
    this.#dispatcher.isHeldBack = false;
    this.send({ type: 'RESUME' });
  }

  /** Sends an event to the machine; one that has stopped takes none. */
  send(event: SupervisorEvent): void {
    if (!this.#isStopped) this.actor.send(event);
  }

  submit(task: TaskRecord): void {
    this.#accept(task);
    this.custody.submit(task);
  }

  /** Takes a task of an earlier process, or of another one; it waits for the engine's word. */
  hold(task: TaskRecord): void {
    this.#accept(task);
    this.custody.hold(task);
  }

  /** Answers a task that is not even routed. */
  answerAtOnce(
    task: TaskRecord,
    status: 'rejected' | 'cancelled' | 'timed_out',
    error: OrchestratorError,
  ): void {
    this.#accept(task);
    this.#ledger.fail(task, status, error);
    this.#ledger.announce();
  }

  /** Watches the deadline of a task that waits for another one's result. */
  armDeadline(task: TaskRecord, onDeadline: () => void): void {
    this.#ledger.armDeadline(task, onDeadline);
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

  /** The task of this id that is not settled. Looks through all of them. */
  findOpen(taskId: string): TaskRecord | undefined {
    for (const { task } of this.#roster.instances.values()) if (task?.id === taskId) return task;
    const isIt = ({ id }: TaskRecord): boolean => id === taskId;
    return findWaiting(this.#roster.all, taskId) ?? [...this.#arriving, ...this.#ledger.inTransit].find(isIt);
  }

  resizeSoon(change: Resize): void {
    this.#asked.set(change.service ?? null, change);
    this.#dispatcher.lower(change);
    this.send({ type: 'RESIZE', change });
  }

  restaffSoon(change: RegistryChange): void {
    const crew = this.#roster.crewOf(change.name);
    if (crew) crew.isRetired = true;
    this.send({ type: 'RESTAFF', change });
  }

  clearWaiting(reason: unknown): void {
    this.#ports.keeper?.commit();
    this.#submissions.flush();
    for (const task of this.#clearable) task.cancelRequest ??= { reason };
    this.send({ type: 'CLEAR', reason });
  }

  /** Accepts nothing more; resolves once every accepted task is answered, at the latest after `drainMs`. */
  drain(drainMs: number): Promise<void> {
    if (drainMs <= 0) this.#isEnding = true;
    this.#dispatcher.isHeldBack = this.#isEnding;
    this.#ports.keeper?.commit();
    this.#submissions.flush();
    this.#isDraining = true;
    return this.#drain.begin(drainMs);
  }

  closeService(definition: ServiceDefinition): Promise<void> {
    const { environment, log } = this.#ports;
    return closeService(definition, { clock: environment.clock, log });
  }

  // Insight.

  /** Services with a crew, also those that were removed and whose last attempt has not ended. */
  get definitions(): readonly ServiceDefinition[] {
    return this.#roster.all.map(({ definition }) => definition);
  }

  /** With the states that their instances have for good: who looks sees none that is about to rest. */
  get crews(): readonly Crew[] {
    this.#dispatcher.release();
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
    const tasks = [...this.#arriving, ...this.#ledger.inTransit];
    for (const { mailbox } of this.#roster.all) for (const task of mailbox) tasks.push(task);
    const waiting = tasks.filter(({ state }) => WAITING.has(state)).map(({ id }) => id);
    return { open: this.#ledger.open, waiting };
  }

  get isPaused(): boolean {
    return this.#dispatcher.isHeldBack || this.actor.getSnapshot().matches({ running: 'paused' });
  }

  get isRateLimited(): boolean {
    return this.#rates.isLimited;
  }

  /** Something waits and nothing more can start; never while paused. */
  get isSaturated(): boolean {
    if (this.isPaused || this.#ledger.counts.queued === 0) return false;
    return !this.#dispatcher.mayStart || this.#roster.turns.every(({ canStart }) => !canStart);
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
    const { timed_out: timedOut, interrupted, ...others } = totals;
    const { isPaused } = this;
    const now = {
      maxParallel: this.#dispatcher.maxParallel,
      running,
      queued,
      retrying: counts.retrying,
      abandoned,
      isPaused,
    };
    return { ...now, ...others, failed: others.failed + interrupted, timedOut };
  }

  /** Where a task with this ranking would go just now. */
  decide({ ranked }: Ranking): Route {
    return this.#placement.decide(ranked);
  }

  /** How many attempts may run at once: of all services, and of those that have a limit of their own. */
  limits(): EngineLimits {
    const limited = this.#roster.turns.filter(({ ownConcurrency }) => ownConcurrency !== null);
    const services = new Map(limited.map(({ name, concurrency }) => [name, concurrency]));
    return { maxParallel: this.#dispatcher.maxParallel, services };
  }

  /** How many more tasks of a service would start at once; 0 while others wait for it. */
  room(service: string): number {
    const crew = this.#roster.crewOf(service);
    return crew === undefined ? 0 : this.#dispatcher.room(crew);
  }

  toJSON(): object {
    const { running, queued } = this.#ledger;
    return { maxParallel: this.#dispatcher.maxParallel, running, queued, services: this.#roster.turns };
  }

  // Duties: called by the machine.

  admit(tasks: readonly unknown[]): void {
    this.#delivered.delete(tasks as readonly TaskRecord[]);
    for (const task of tasks as readonly TaskRecord[]) {
      if (task.state !== 'accepted') continue;
      this.#ledger.armLimits(task, this.#endings);
      this.#placement.admit(task, this.#routed);
      this.#dispatcher.relieve(task.crew);
    }
  }

  place(tasks: readonly unknown[]): void {
    for (const task of tasks as readonly TaskRecord[]) {
      if (task.state !== 'routing') continue;
      this.#placement.place(task);
      this.#dispatcher.relieve(task.crew);
    }
  }

  refuse(tasks: readonly unknown[]): void {
    this.#delivered.delete(tasks as readonly TaskRecord[]);
    for (const task of tasks as readonly TaskRecord[]) {
      if (task.state === 'accepted') this.#ledger.refuse(task, errors.shuttingDown());
    }
  }

  settle(reports: readonly unknown[]): void {
    this.#settlement.settle(reports as readonly Report[]);
  }

  cancel(task: unknown, reason: unknown): void {
    this.#endings.cancel(task as TaskRecord, reason);
  }

  clear(reason: unknown): void {
    for (const task of this.#clearable) this.cancel(task, reason);
  }

  expire(): void {
    this.#deadlines.expire();
  }

  resize(change: Resize): void {
    const { maxParallel, service = null, concurrency } = change;
    // Another one was asked for after it, and its event is under way.
    if ((this.#asked.get(service) ?? change) !== change) return;
    this.#asked.delete(service);
    this.#dispatcher.resize(change);
    const atMs = this.#now();
    if (maxParallel !== undefined) {
      this.#ledger.tell({ type: 'resized', atMs, service: null, limit: finiteOrNull(maxParallel) });
    }
    if (concurrency !== undefined) {
      this.#ledger.tell({ type: 'resized', atMs, service, limit: finiteOrNull(concurrency) });
    }
  }

  resetCircuit(service: string): void {
    const crew = this.#roster.crewOf(service);
    if (crew) this.#circuits.reset(crew);
  }

  restaff(change: unknown): void {
    const { name, current } = change as RegistryChange;
    this.#ledger.tell({ type: 'restaffed', atMs: this.#now(), service: name });
    const old = current === null ? this.#roster.retire(name) : this.#roster.open(current).replaced;
    this.#dispatcher.restaffed(old);
    if (old === undefined) return;
    this.#circuits.forget(old);
    for (const task of [...old.mailbox]) {
      old.mailbox.remove(task);
      this.#placement.moveAway(task);
    }
  }

  dispatch(): void {
    this.#dispatcher.startWaiting();
    const hires = this.#dispatcher.takeHires();
    if (hires.length > 0) this.send({ type: 'HIRE', hires });
    this.notify();
  }

  notify(): void {
    this.#dispatcher.rest((definition, ids) => {
      this.send({ type: 'DISMISS', ids });
      if (!this.#isInUse(definition)) void this.closeService(definition);
    });
    if (this.#rates.review(this.#roster, this.#ledger.running)) {
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
    // One error for all of them: to trace the stack of each would take a seventh of the time.
    const error = errors.shuttingDown();
    for (const task of this.custody.release()) open.add(task);
    this.#leaveToNextStart(open);
    for (const task of open) this.#endings.end(task, 'cancelled', error);
    for (const tasks of this.#delivered) this.refuse(tasks);
    this.#deadlines.clear();
    this.notify();
    this.#dispatcher.release();
  }

  bury(actorId: string, cause: unknown): void {
    const instance = this.#roster.instances.get(actorId);
    if (instance === undefined) return;
    const error = this.#internalError(cause, { instance: actorId });
    // What died takes no event.
    instance.actor = null;
    if (instance.task !== null) this.#endings.end(instance.task, 'failed', error);
    if (instance.isHeld) this.#circuits.noLongerHeld(instance.crew);
    this.#roster.remove(instance);
    this.#circuits.crashed(instance.crew);
  }

  hasOpenTasks(): boolean {
    return this.#ledger.open > 0;
  }

  // Smaller things.

  /** Tasks that were submitted and are not admitted yet. */
  get #arriving(): readonly TaskRecord[] {
    return [...this.custody.tasks, ...this.#submissions.items, ...[...this.#delivered].flat()];
  }

  /** Tasks that wait in a mailbox or for their route. */
  get #clearable(): readonly TaskRecord[] {
    const waiting = this.#roster.turns.flatMap(({ mailbox }) => [...mailbox]);
    for (const task of this.#ledger.inTransit) if (task.state === 'routing') waiting.push(task);
    return waiting;
  }

  /** An engine keeps the tasks whose code is not running for the next start; their callers are told so. */
  #leaveToNextStart(open: Iterable<TaskRecord>): void {
    if (this.#ports.keeper === null) return;
    const kept = errors.keptForNextStart();
    for (const task of open) {
      const mayHaveEffects = task.state === 'busy' && task.instance?.isWaiting !== true;
      if (!mayHaveEffects) this.#endings.end(task, 'cancelled', kept);
    }
  }

  /** Another service, registered or with an attempt that has not ended, is the same object. */
  #isInUse({ close }: ServiceDefinition): boolean {
    return [...this.#ports.registered(), ...this.definitions].some((other) => other.close === close);
  }

  #now(): number {
    return this.#ports.environment.clock.now();
  }

  #accept(task: TaskRecord): void {
    this.#ports.acceptance()?.(task);
    this.#ledger.accept(task);
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

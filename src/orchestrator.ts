import { runBatch, runSubtasks, streamBatch } from './actors/batches.js';
import { Changes } from './actors/changes.js';
import { EventLog, type RecentEvents } from './actors/event-log.js';
import type { RunningTask, WaitingTask } from './actors/insight.js';
import { Intake, requireText } from './actors/intake.js';
import { type OrchestratorEvents, QueueEvents } from './actors/queue-events.js';
import { ServiceRegistry } from './actors/registry.js';
import { statusOf } from './actors/service-status.js';
import { Supervisor, type SupervisorPorts } from './actors/supervisor.js';
import { systemEnvironment } from './core/clock.js';
import {
  ExecutionConfig,
  type ExecutionConfigParts,
  parseOrMisuse,
  routingConfigSchema,
  taskConfigSchema,
} from './core/config.js';
import type {
  Engine,
  EngineCapabilities,
  EngineRuntime,
  LimitChange,
  Shelf,
  TaskArchive,
} from './core/engine.js';
import type { EngineOptions } from './core/engine-config.js';
import type { Environment, Log } from './core/environment.js';
import { engineCannot, misuse, OrchestratorError, unknownService } from './core/errors.js';
import { guardedLog } from './core/guarded-log.js';
import type { MachineDocument } from './core/machine-document.js';
import type { ChangeListener, OrchestratorPort, OrchestratorStats } from './core/orchestrator-port.js';
import type { TaskResult, TaskStatus } from './core/result.js';
import type { Route, RoutingStrategy } from './core/route.js';
import type { ServiceInput, ServiceStatus } from './core/service.js';
import type { BatchOptions, Subtask, SubtasksOptions, TaskInput, TaskOptions } from './core/task.js';
import { guardedTracing, type Tracing } from './core/tracing.js';
import { warningLog } from './core/warning-log.js';
import { cannotHoldBack, checkEngine } from './engines/check-engine.js';
import { openEngine } from './engines/open-engine.js';
import { machineDocuments } from './machines/machine-documents.js';
import { FunctionStrategy, type RouteFunction } from './strategies/function-strategy.js';
import { createDefaultStrategy, createRouter } from './strategies/router.js';

/** What `createOrchestrator` is made from; everything has a default. */
export interface OrchestratorOptions {
  /** Services by name, in order of registration: objects with `execute()`, functions, or `{ service, … }`. */
  readonly services?: Readonly<Record<string, ServiceInput>> | ReadonlyMap<string, ServiceInput>;
  /** A registry of one's own, in place of `services`. */
  readonly registry?: ServiceRegistry;
  /** Default: every default of `ExecutionConfig.create()`. */
  readonly config?: ExecutionConfigParts;
  /** A strategy or a function `(task, availableServices) => [service, confidence][]`. Default: keywords, then capabilities. */
  readonly strategy?: RoutingStrategy | RouteFunction;
  /**
   * Where accepted tasks are kept: `{ kind: 'journal', path }` records them in a file, so that they survive the process; it
   * needs the package `libsql`. `{ kind: 'restate', … }` hands them to a Restate server, whose workers (`startWorker`) run
   * them. Default: `{ kind: 'local' }`, in this process. An engine of one's own fits too.
   */
  readonly engine?: EngineOptions | Engine;
  /** Where faults of services, strategies and listeners are reported; pino fits. Default: process warnings. */
  readonly log?: Log;
  /** Time, randomness and ids, for tests and simulations. */
  readonly environment?: Environment;
  /** XState's inspection of the supervisor and of every instance. */
  readonly inspect?: SupervisorPorts['inspect'];
  /**
   * Whether events that keep a machine's state skip XState's interpreter (every change of state goes through it anyway).
   * Default true, and false while `inspect` is given.
   */
  readonly fastLane?: boolean;
  /** Follows tasks and attempts, for instance `openTelemetryTracing()` of `gaffr/telemetry`. Default: nothing is traced. */
  readonly tracing?: Tracing;
  /** How many of the latest facts `recentEvents()` keeps, 0 or more. Default 0: none. */
  readonly keepEvents?: number;
}

/** A task that was submitted. */
export interface TaskHandle {
  readonly taskId: string;
  /**
   * Resolves once the engine has accepted the task as durably as it keeps tasks: true, or false when it was refused or
   * ended before, which the result explains. Never rejects.
   */
  accepted(): Promise<boolean>;
  /** Resolves with the result; never rejects. */
  result(): Promise<TaskResult>;
  /** Cancels the task in whatever state it is; does nothing once it is settled. */
  cancel(reason?: unknown): void;
  status(): 'queued' | 'running' | 'retrying' | TaskStatus;
}

/**
 * Builds an orchestrator.
 *
 * @throws TypeError when a service, the strategy, the configuration or an option is not valid; the text names what.
 * @throws OrchestratorError `MISSING_PACKAGE`, `JOURNAL_LOCKED`, `JOURNAL_CORRUPT` or `JOURNAL_FAILED` when the engine
 * cannot be opened.
 * @example
 * const orchestrator = createOrchestrator({ services: { echo: (task) => task } });
 * const result = await orchestrator.execute('hello', { service: 'echo' });
 * await orchestrator.close();
 */
export function createOrchestrator(options: OrchestratorOptions = {}): Orchestrator {
  return new Orchestrator(options);
}

/** Routes tasks to services and supervises them. Made by {@link createOrchestrator}. */
export class Orchestrator implements OrchestratorPort {
  readonly registry: ServiceRegistry;
  readonly config: ExecutionConfig;
  readonly #environment: Environment;
  readonly #router: ReturnType<typeof createRouter>;
  readonly #supervisor: Supervisor;
  readonly #intake: Intake;
  readonly #events: QueueEvents;
  readonly #eventLog: EventLog | null;
  readonly #changes: Changes;
  readonly #engine: Engine;
  #closing: Promise<void> | undefined;

  constructor(options: OrchestratorOptions) {
    checkOptions(options);
    const { services, registry, config, environment = systemEnvironment(), inspect } = options;
    const log = guardedLog(options.log ?? warningLog);
    this.registry = registry ?? new ServiceRegistry(services);
    this.config = ExecutionConfig.complete(config);
    this.#environment = environment;
    const tracing = options.tracing === undefined ? null : guardedTracing(options.tracing, log);
    this.#events = new QueueEvents(log, () => this.#supervisor.load());
    this.#changes = new Changes(this.#events, this.registry, log);
    this.#eventLog = createEventLog(options.keepEvents ?? 0);
    const { taskConfig, routingConfig } = this.config;
    const strategy = toStrategy(options.strategy);
    this.#router = createRouter({
      strategy: strategy ?? createDefaultStrategy({ ...routingConfig, log }),
      // A strategy of the user's own is asked even so.
      ranksOnlyService: strategy !== undefined,
      clock: environment.clock,
      timeoutSeconds: routingConfig.routingTimeoutSeconds,
      confidenceThreshold: routingConfig.confidenceThreshold,
      log,
    });
    this.#router.updateProfiles(this.registry.profiles());
    // Last of what may throw: it may take a lock. An engine that is refused for what it cannot do has taken none.
    this.#engine = openEngine(options.engine, log);
    checkEngine(this.#engine, taskConfig, this.registry.definitions());
    this.#supervisor = new Supervisor({
      config: this.config,
      environment,
      router: this.#router,
      registered: () => this.registry.definitions(),
      log,
      observer: () => this.#events.listener,
      tracing,
      keeper: this.#engine.keeper,
      acceptance: () => this.#events.acceptance,
      inspect,
      fastLane: options.fastLane ?? true,
    });
    this.#intake = new Intake(taskConfig, { environment, log, tracing }, this.#supervisor);
    if (tracing) this.on('event', tracing.told);
    const eventLog = this.#eventLog;
    if (eventLog) this.on('event', (event) => eventLog.add(event));
    this.registry.on('change', this.#onRegistryChange);
    this.registry.on('profile', this.#onProfileChange);
    this.#supervisor.start();
    this.#engine.start(this.#runtime());
  }

  /** Where accepted tasks are kept, and what that is good for. */
  get engine(): { readonly kind: string; readonly capabilities: EngineCapabilities } {
    const { kind, capabilities } = this.#engine;
    return { kind, capabilities };
  }

  /**
   * The tasks that the engine keeps: those of earlier processes, those that have ended, and those that failed and may be
   * tried again.
   *
   * @throws TypeError when the engine keeps none.
   */
  get kept(): TaskArchive {
    const { kind, archive } = this.#engine;
    if (archive !== null) return archive;
    throw engineCannot(
      kind,
      'keeps no tasks beyond their end',
      "create the orchestrator with engine: { kind: 'journal', path }",
    );
  }

  /** A place of the engine's for small texts that survive the process; null when it keeps nothing. */
  shelf(name: string): Shelf | null {
    return this.#engine.shelf(name);
  }

  /** The supervisor's actor, for XState users and inspectors. */
  get actor(): Supervisor['actor'] {
    return this.#supervisor.actor;
  }

  /**
   * Runs one task and resolves with its result; a failed task is a result too (`success: false`).
   *
   * @throws TypeError when the task is no text or an option is not valid.
   */
  execute(task: string, options?: TaskOptions): Promise<TaskResult> {
    // What the executor throws becomes the promise's rejection.
    return new Promise((resolve) => {
      this.#intake.begin(task, this.#intake.prepare(options), resolve);
    });
  }

  /** Hands a task over and returns its handle at once. @throws TypeError as {@link execute}. */
  submit(task: string, options?: TaskOptions): TaskHandle {
    let settled: TaskResult | undefined;
    let resolve: (result: TaskResult) => void = () => {};
    const promise = new Promise<TaskResult>((resolveIt) => {
      resolve = resolveIt;
    });
    const record = this.#intake.begin(task, this.#intake.prepare(options), (result) => {
      settled = result;
      resolve(result);
    });
    const worker = this.#intake.taskFor(record);
    // Answered without an attempt before the engine could see it.
    const isTurnedAway = settled?.attempts === 0;
    return {
      taskId: record.id,
      accepted: async () => {
        if (isTurnedAway) return false;
        const isTaken = await this.#supervisor.custody.whenDecided(worker);
        return isTaken && settled?.status !== 'rejected';
      },
      result: () => promise,
      cancel: (reason) => this.#intake.cancel(record, reason),
      status: () => {
        if (settled) return settled.status;
        const { state } = worker;
        return state === 'busy' ? 'running' : state === 'retrying' ? 'retrying' : 'queued';
      },
    };
  }

  /**
   * Runs tasks side by side and resolves with their results in input order.
   *
   * @throws TypeError when any task or option is not valid; then none is started.
   */
  async executeParallel(tasks: readonly TaskInput[], options: BatchOptions = {}): Promise<TaskResult[]> {
    const results: TaskResult[] = [];
    await runBatch(this.#intake, tasks, options, (result, index) => {
      results[index] = result;
    });
    return results;
  }

  /** Runs tasks side by side and yields their results in order of completion. Leaving the loop cancels the rest. */
  stream(tasks: readonly TaskInput[], options: BatchOptions = {}): AsyncGenerator<TaskResult> {
    return streamBatch(this.#intake, tasks, options);
  }

  /**
   * Runs subtasks, each once what it depends on completed; with `parallel: false` one after another. Resolves with
   * the results in input order.
   *
   * @throws TypeError when ids repeat, a dependency is unknown or circular, or an option is not valid.
   */
  executeSubtasks(subtasks: readonly Subtask[], options: SubtasksOptions = {}): Promise<TaskResult[]> {
    return runSubtasks(this.#intake, subtasks, options);
  }

  /** Where the task would go just now, and why; nothing is run. @throws TypeError when the task is no text. */
  async explain(task: string): Promise<Route> {
    return this.#supervisor.decide(await this.#router.rank(requireText(task)));
  }

  listServices(): ServiceStatus[] {
    const { clock } = this.#environment;
    const toWallClock = (ms: number): string => new Date(Date.now() + ms - clock.now()).toISOString();
    return this.#supervisor.crews.map((crew) => statusOf(crew, toWallClock));
  }

  stats(): OrchestratorStats {
    return this.#supervisor.stats();
  }

  watch(listener: ChangeListener): () => void {
    return this.#changes.watch(listener);
  }

  machines(): readonly MachineDocument[] {
    return machineDocuments();
  }

  /**
   * Lets running attempts end and starts nothing more until {@link resume}.
   *
   * @throws TypeError under an engine that cannot hold starts back.
   */
  pause(): this {
    const { kind, capabilities } = this.#engine;
    if (!capabilities.pausing) throw cannotHoldBack(kind, 'pause');
    this.#supervisor.pause();
    this.#changes.tell(null);
    return this;
  }

  resume(): this {
    this.#supervisor.resume();
    this.#changes.tell(null);
    return this;
  }

  /**
   * Answers every waiting task `cancelled`; running ones go on, and so do those that an engine has handed to other processes.
   */
  clear(reason: unknown = new Error('the queue was cleared')): this {
    this.#supervisor.clearWaiting(reason);
    return this;
  }

  /**
   * Changes how many attempts may run at once. Lowering it kills nothing.
   *
   * @throws TypeError unless it is a whole number of at least 1, or `Infinity`.
   */
  setMaxParallel(maxParallel: number): this {
    parseOrMisuse(taskConfigSchema.shape.maxParallel.unwrap(), maxParallel, 'maxParallel');
    this.#resize({ maxParallel });
    return this;
  }

  /**
   * Changes how many attempts of one service may run at once. Lowering it kills nothing.
   *
   * @throws TypeError when the service is unknown, or the number is not a whole one of at least 1, or `Infinity`.
   */
  setConcurrency(service: string, concurrency: number): this {
    parseOrMisuse(taskConfigSchema.shape.maxParallel.unwrap(), concurrency, 'concurrency');
    if (!this.registry.has(service))
      throw misuse(unknownService(service, this.registry.listServices()).message);
    this.#resize({ service, concurrency });
    return this;
  }

  /**
   * Changes the attempt timeout of tasks that come without one of their own; those accepted keep theirs.
   *
   * @throws TypeError unless it is a positive finite number.
   */
  setTimeoutSeconds(timeoutSeconds: number): this {
    parseOrMisuse(taskConfigSchema.shape.timeoutSeconds.unwrap(), timeoutSeconds, 'timeoutSeconds');
    this.#intake.setTimeoutSeconds(timeoutSeconds);
    return this;
  }

  /**
   * Gives a waiting task another priority; it goes behind those that have it already.
   *
   * @throws TypeError when no task of this id waits, or the priority is no finite number.
   */
  setPriority(taskId: string, priority: number): this {
    if (!Number.isFinite(priority))
      throw misuse(`The priority of task "${taskId}" must be finite; got ${priority}.`);
    if (!this.#supervisor.setPriority(taskId, priority)) {
      throw misuse(`No task "${taskId}" waits; it may have started or ended, or its route is not known yet.`);
    }
    return this;
  }

  /**
   * Cancels the open task of this id in whatever state it is.
   *
   * @returns False when no open task has this id: it has ended, or waits for another subtask.
   */
  cancel(taskId: string, reason?: unknown): boolean {
    const task = this.#supervisor.findOpen(taskId) ?? this.#intake.findJoiner(taskId);
    if (task === undefined || task.state === 'settled') return false;
    this.#intake.cancel(task, reason);
    return true;
  }

  /**
   * Closes the circuit of a service and forgets its failures, as when an operator knows that it works again. A closed
   * circuit only forgets.
   *
   * @throws TypeError when the service is unknown.
   */
  resetCircuit(service: string): this {
    if (!this.registry.has(service))
      throw misuse(unknownService(service, this.registry.listServices()).message);
    this.#supervisor.send({ type: 'RESET_CIRCUIT', service });
    return this;
  }

  get isPaused(): boolean {
    return this.#supervisor.isPaused;
  }

  /** Something waits and nothing more can start; never while paused. */
  get isSaturated(): boolean {
    return this.#supervisor.isSaturated;
  }

  /** A task waits for a rate window. */
  get isRateLimited(): boolean {
    return this.#supervisor.isRateLimited;
  }

  /** The tasks whose attempts run just now: a fresh array. */
  runningTasks(): RunningTask[] {
    return this.#supervisor.runningTasks();
  }

  /** The tasks that wait in mailboxes, service by service, in the order in which they would start: a fresh array. */
  waitingTasks(): WaitingTask[] {
    return this.#supervisor.waitingTasks();
  }

  /** The latest facts, oldest first, as many as `keepEvents` says, and how many fell out before them. */
  recentEvents(): RecentEvents {
    return this.#eventLog?.recent() ?? { events: [], dropped: 0 };
  }

  // Of those that become true by the same change: nothing runs, nothing waits, idle.

  /** Resolves once no attempt runs, also while paused with tasks waiting. */
  onNoneRunning(): Promise<void> {
    return this.#supervisor.waiters.when(() => this.#supervisor.running === 0, 0);
  }

  /** Resolves once nothing waits. */
  onEmpty(): Promise<void> {
    return this.onSizeLessThan(1);
  }

  /** Resolves once fewer than `size` tasks wait. @throws TypeError unless it is a number above 0. */
  onSizeLessThan(size: number): Promise<void> {
    if (!(size > 0)) throw misuse(`onSizeLessThan takes a number above 0; got ${size}.`);
    return this.#supervisor.waiters.when(() => this.#supervisor.queued < size, 1);
  }

  /** Resolves once nothing waits, runs or backs off. */
  async onIdle(): Promise<void> {
    await this.#supervisor.waiters.when(() => !this.#supervisor.hasOpenTasks(), 2);
    await this.#engine.keeper?.told();
  }

  /** Resolves once a task waits for a rate window. */
  onRateLimited(): Promise<void> {
    return this.#supervisor.waiters.when(() => this.#supervisor.isRateLimited);
  }

  /** Resolves once no task waits for a rate window. */
  onRateLimitCleared(): Promise<void> {
    return this.#supervisor.waiters.when(() => !this.#supervisor.isRateLimited);
  }

  /** Never resolves; rejects with the first task from now on that fails, times out or is rejected. */
  onError(): Promise<never> {
    return new Promise((_, reject) => {
      const onError = ({ errorCode, error, errorDetails }: TaskResult): void => {
        this.off('error', onError);
        reject(new OrchestratorError(errorCode ?? 'INTERNAL', error ?? '', errorDetails ?? {}));
      };
      this.on('error', onError);
    });
  }

  /** Calls the listener at each such event. @throws TypeError for a name that is no event. */
  on<E extends keyof OrchestratorEvents>(
    event: E,
    listener: (...values: OrchestratorEvents[E]) => void,
  ): this {
    this.#events.on(event, listener);
    return this;
  }

  off<E extends keyof OrchestratorEvents>(
    event: E,
    listener: (...values: OrchestratorEvents[E]) => void,
  ): this {
    this.#events.off(event, listener);
    return this;
  }

  /**
   * Accepts nothing more, lets accepted work go on for `drainSeconds` (default: the configuration's), answers the rest
   * `cancelled`, and closes the services. May be called again: every call waits for the same end, and the shortest
   * `drainSeconds` holds.
   */
  close({
    drainSeconds = this.config.taskConfig.drainSeconds,
  }: {
    readonly drainSeconds?: number;
  } = {}): Promise<void> {
    const drained = this.#supervisor.drain(drainSeconds * 1000);
    this.#closing ??= drained.then(() => this.#end());
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** What the engine may ask for. */
  #runtime(): EngineRuntime {
    const supervisor = this.#supervisor;
    const { custody } = supervisor;
    return {
      restore: (kept) => this.#intake.restore(kept),
      remember: (kept, result, ageMs) => this.#intake.remember(kept, result, ageMs),
      isIdempotent: (service) => this.registry.get(service)?.idempotent,
      room: (service) => supervisor.room(service),
      run: (tasks) => custody.run(tasks),
      handOver: (task) => custody.handOver(task),
      end: (task, result) => custody.end(task, result),
      route: (task) => custody.route(task),
      cancel: (task, reason) => custody.cancel(task, reason),
      limits: () => supervisor.limits(),
      resize: (change) => supervisor.resizeSoon(change),
      interrupt: (task, error) => custody.interrupt(task, error),
      refuse: (task, error) => custody.refuse(task, error),
      answer: (task, result) => custody.answer(task, result),
    };
  }

  #resize(change: LimitChange): void {
    this.#supervisor.resizeSoon(change);
    this.#engine.keeper?.resize(change);
  }

  async #end(): Promise<void> {
    // First: callers are owed an answer.
    await this.#engine.close();
    this.registry.off('change', this.#onRegistryChange);
    this.registry.off('profile', this.#onProfileChange);
    this.#router.close();
    // Removed services that are still held by an abandoned attempt are closed as well.
    const definitions = [...this.registry.definitions(), ...this.#supervisor.definitions];
    // Several services may be one object: it is closed once.
    const closing = new Map(definitions.map((definition) => [definition.close, definition])).values();
    await Promise.all(Array.from(closing, (definition) => this.#supervisor.closeService(definition)));
    this.#changes.end();
    this.#events.removeAll();
  }

  readonly #onRegistryChange: Parameters<ServiceRegistry['on']>[1] = (change) => {
    this.#router.updateProfiles(this.registry.profiles());
    this.#supervisor.restaffSoon(change);
    const { name: service, current } = change;
    if (current?.concurrency != null)
      this.#engine.keeper?.resize({ service, concurrency: current.concurrency });
  };

  readonly #onProfileChange = (): void => this.#router.updateProfiles(this.registry.profiles());
}

const OPTIONS: Readonly<Record<keyof OrchestratorOptions, true>> = {
  services: true,
  registry: true,
  config: true,
  strategy: true,
  engine: true,
  log: true,
  environment: true,
  inspect: true,
  fastLane: true,
  tracing: true,
  keepEvents: true,
};

/** What is undefined says nothing. @throws TypeError for options that would change nothing. */
function checkOptions(options: OrchestratorOptions): void {
  if (options.services !== undefined && options.registry !== undefined) {
    throw misuse(
      'An orchestrator is made of services or of a registry, and got both; leave services out and register them in the registry.',
    );
  }
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || Object.hasOwn(OPTIONS, name)) continue;
    throw misuse(`An orchestrator has no option "${name}"; ${whatInstead(name)}.`);
  }
}

function whatInstead(name: string): string {
  if (Object.hasOwn(taskConfigSchema.shape, name)) return 'put it under config.taskConfig';
  if (Object.hasOwn(routingConfigSchema.shape, name)) return 'put it under config.routingConfig';
  return `its options are ${Object.keys(OPTIONS).join(', ')}`;
}

function createEventLog(keepEvents: number): EventLog | null {
  if (!Number.isInteger(keepEvents) || keepEvents < 0) {
    throw misuse(`keepEvents must be a whole number of at least 0; got ${keepEvents}.`);
  }
  return keepEvents === 0 ? null : new EventLog(keepEvents);
}

function toStrategy(strategy: OrchestratorOptions['strategy']): RoutingStrategy | undefined {
  if (strategy === undefined) return undefined;
  if (typeof strategy === 'function') return new FunctionStrategy(strategy);
  if (typeof strategy?.route === 'function') return strategy;
  throw misuse('A strategy is a function or an object with a function route(); see RoutingStrategy.');
}

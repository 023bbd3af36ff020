import type { Supervisor } from '../../src/actors/supervisor.js';
import { ExecutionConfig } from '../../src/core/config.js';
import type { Log } from '../../src/core/environment.js';
import { createOrchestrator, type Orchestrator } from '../../src/orchestrator.js';
import type { Behaviour, Reentry } from './behaviour.js';
import { type Client, throwing } from './client.js';
import { Clients } from './clients.js';
import { type Action, type Plan, type RatePlan, SERVICES, type ServicePlan, type TaskPlan } from './plan.js';
import { hashOf, seeded } from './random.js';
import { Recorder } from './recorder.js';
import { TrackedClock } from './tracked-clock.js';
import { type VirtualAttempt, VirtualService } from './virtual-service.js';
import { virtualStrategy } from './virtual-strategy.js';

/**
 * Owns: one simulated run: the real orchestrator among virtual services, strategies and clients, and what of it was
 * changed meanwhile. Talks to: the orchestrator, through its public names, as its users do. It is one class because the
 * code of a service, a listener and the plan may all do everything that a user can. What must hold is judged elsewhere.
 */

/** A rule that the run broke. */
export interface Broken {
  readonly invariant: string;
  readonly text: string;
}

/** A promise of the queue that somebody waits for; `size` null for one of `onIdle()`. */
export interface Waiter {
  readonly size: number | null;
  isResolved: boolean;
}

const ANSWER: Behaviour = { kind: 'answer', value: 'text', delayMs: null };

/** Strategies that answer at once, and so leave no timer. */
const PROMPT_STRATEGIES: readonly string[] = ['default', 'sync', 'throwing', 'lying'];

export class World {
  readonly plan: Plan;
  readonly pace: number;
  readonly clock = new TrackedClock();
  readonly orchestrator: Orchestrator;
  readonly recorder: Recorder;
  readonly clients: Clients;
  /** Every service ever registered, those of a name in order. */
  readonly services: VirtualService[] = [];
  readonly current = new Map<string, VirtualService>();
  readonly waiters: Waiter[] = [];
  /** Rules broken so far; the run ends at the first. */
  readonly broken: Broken[] = [];
  isPaused: boolean;
  maxParallel: number;
  highestMaxParallel: number;
  /** The highest limit since the last check: what started under it may go on. */
  recentMaxParallel: number;
  /** Names registered more than once, or given another limit: old instances may work beside the allowed ones. */
  readonly replaced = new Set<string>();
  /** When the drain ends at the latest; null before `close`. */
  closesAtMs: number | null = null;
  /** The promise of `close` has resolved. */
  isClosed = false;
  /** Services and strategies behave from now on. */
  isCalm = false;
  /** The runtime's own books, for the checks. */
  readonly supervisor: Supervisor;
  readonly #starts: number[] = [];

  constructor(plan: Plan) {
    this.plan = plan;
    this.pace = plan.setup.pace;
    const { setup } = plan;
    this.recorder = new Recorder((invariant, text) => this.break(invariant, text), this.replaced);
    this.clients = new Clients({
      orchestrator: () => this.orchestrator,
      nowMs: () => this.clock.now(),
      recorder: this.recorder,
      breaks: (invariant, text) => this.break(invariant, text),
      isClosing: () => this.closesAtMs !== null,
    });
    const rateLimit = setup.rate === null ? {} : { rateLimit: setup.rate };
    const config = ExecutionConfig.create({ ...setup.config, ...rateLimit });
    this.isPaused = config.taskConfig.startPaused;
    this.maxParallel = config.taskConfig.maxParallel;
    this.highestMaxParallel = this.maxParallel;
    this.recentMaxParallel = this.maxParallel;
    this.orchestrator = this.#build(config);
    this.supervisor = this.orchestrator.actor.getSnapshot().context.duties as Supervisor;
    this.#listen();
  }

  get routesAtOnce(): boolean {
    return PROMPT_STRATEGIES.includes(this.plan.setup.strategy);
  }

  /** Attempts whose code really runs. */
  running(): VirtualAttempt[] {
    return this.services.flatMap(({ running }) => [...running]);
  }

  break(invariant: string, text: string): void {
    this.broken.push({ invariant, text });
  }

  /** Does what the plan says; time is moved elsewhere. */
  perform(action: Action): void {
    this.clients.calling(() => this.#perform(action));
  }

  register(plan: ServicePlan): void {
    const replace = this.orchestrator.registry.has(plan.name);
    this.replaced.add(plan.name);
    this.orchestrator.registry.register(plan.name, this.#newService(plan).asService(), { replace });
  }

  resize(maxParallel: number): void {
    this.maxParallel = maxParallel;
    this.recentMaxParallel = Math.max(this.recentMaxParallel, maxParallel);
    this.highestMaxParallel = Math.max(this.highestMaxParallel, maxParallel);
    this.orchestrator.setMaxParallel(maxParallel);
  }

  close(drainMs: number): void {
    const endsAtMs = this.clock.now() + drainMs;
    this.closesAtMs = Math.min(this.closesAtMs ?? endsAtMs, endsAtMs);
    this.isPaused = false;
    this.clients.follow(this.orchestrator.close({ drainSeconds: drainMs / 1000 }), () => {
      this.isClosed = true;
    });
  }

  /** Faults stop: what hangs is let go, and everybody behaves from now on. */
  calm(): void {
    this.isCalm = true;
    for (const { release } of this.running()) release?.(false);
    if (this.closesAtMs !== null) return;
    this.isPaused = false;
    this.orchestrator.resume();
    this.resize(5);
  }

  /** Submits a task to a service that behaves. */
  probe(service: string): Client {
    return this.clients.submit({ ...PROBE, service });
  }

  #perform(action: Action): void {
    switch (action.do) {
      case 'submit':
        for (const plan of action.tasks) this.clients.submit(plan);
        return;
      case 'batch':
        this.clients.batch(action);
        return;
      case 'subtasks':
        this.clients.subtasks(action);
        return;
      case 'stream':
        void this.clients.stream(action);
        return;
      case 'cancel':
        this.clients.cancelOne(action.pick, action.via);
        return;
      case 'abortShared':
        this.clients.abortShared();
        return;
      case 'settle': {
        const open = this.running().filter(({ release }) => release !== null);
        open[action.pick % open.length]?.release?.(action.fails);
        return;
      }
      case 'call':
        this.#call(action.call, action.pick);
        return;
      case 'register':
        this.register(action.service);
        return;
      case 'wait':
        this.#wait(action);
        return;
      case 'explain':
        this.clients.follow(this.orchestrator.explain('paint the fence'), () => {});
        return;
      case 'close':
        this.close(action.drainMs);
        return;
      case 'advance':
      case 'next':
      case 'sleep':
        return;
    }
  }

  /** What a user may call at any time. What is true afterwards is noted before: the call may lead to others. */
  #call(call: Reentry, pick: number): void {
    const names = this.orchestrator.registry.listServices();
    const name = names[pick % names.length];
    switch (call) {
      case 'pause':
        if (this.closesAtMs === null) this.isPaused = true;
        this.orchestrator.pause();
        return;
      case 'resume':
        this.isPaused = false;
        this.orchestrator.resume();
        return;
      case 'resize':
        this.resize(1 + (pick % 6));
        return;
      case 'clear':
        this.orchestrator.clear();
        return;
      case 'concurrency':
        if (name !== undefined) this.#limit(name, 1 + (pick % 4));
        return;
      case 'prioritise':
        this.#prioritise(pick);
        return;
      case 'unregister':
        if (name === undefined) return;
        this.replaced.add(name);
        this.current.delete(name);
        this.orchestrator.registry.unregister(name);
        return;
      case 'replace':
        this.register({
          name: name ?? SERVICES[0],
          concurrency: pick % 4 === 0 ? null : pick % 4,
          idempotent: pick % 2 === 0,
          rate: null,
        });
        return;
      case 'cancelSelf':
      case 'cancelAnother':
        this.clients.cancelOne(pick, 'handle');
        return;
      case 'submit':
        this.clients.submit({ ...PROBE, keyword: 'cook', queueTimeoutMs: null, deadlineMs: null });
        return;
    }
  }

  #limit(name: string, concurrency: number): void {
    this.replaced.add(name);
    this.current.get(name)?.limit(concurrency, this.recentMaxParallel);
    this.orchestrator.setConcurrency(name, concurrency);
  }

  #prioritise(pick: number): void {
    const waiting = this.orchestrator.waitingTasks();
    const task = waiting[pick % waiting.length];
    if (task === undefined) return;
    try {
      this.orchestrator.setPriority(task.taskId, (pick % 5) - 2);
    } catch (cause) {
      // What was submitted in this moment is taken in first, and may let this task start.
      if (!String(cause).includes('may have started')) throw cause;
    }
  }

  #wait({ what, size }: Extract<Action, { do: 'wait' }>): void {
    const { orchestrator } = this;
    const waiter: Waiter = { size: what === 'idle' ? null : what === 'empty' ? 1 : size, isResolved: false };
    this.waiters.push(waiter);
    const promises = {
      idle: () => orchestrator.onIdle(),
      empty: () => orchestrator.onEmpty(),
      size: () => orchestrator.onSizeLessThan(size),
    };
    void promises[what]().then(() => {
      waiter.isResolved = true;
    });
  }

  // What the runtime is made of and calls.

  #build(config: ExecutionConfig): Orchestrator {
    const { setup, seed } = this.plan;
    const { next: random } = seeded(seed, 2);
    let ids = 0;
    const strategy = virtualStrategy(setup.strategy, this.clock.world, () => this.isCalm);
    return createOrchestrator({
      services: new Map(setup.services.map((each) => [each.name, this.#newService(each).asService()])),
      config,
      environment: { clock: this.clock.runtime, random, createId: () => `t${++ids}` },
      log: this.#log(),
      ...(strategy === undefined ? {} : { strategy }),
      ...(setup.throws.inspect ? { inspect: throwing } : {}),
    });
  }

  #listen(): void {
    const { throws, cancelEvery } = this.plan.setup;
    const { orchestrator, recorder } = this;
    if (throws.listener) {
      for (const name of ['event', 'add', 'active', 'next', 'idle'] as const) orchestrator.on(name, throwing);
    }
    orchestrator.on('idle', () => recorder.takeIdle());
    orchestrator.on('event', (event) => {
      recorder.take(event);
      const count = recorder.events.length;
      if (cancelEvery === 0 || count % cancelEvery !== 0 || this.isCalm || !('taskId' in event)) return;
      this.clients.inside(() => this.clients.cancelOne(count, 'handle'));
    });
  }

  #newService(plan: ServicePlan): VirtualService {
    const service = new VirtualService(plan, {
      clock: this.clock.world,
      pace: this.pace,
      behaviourOf: (task, attempt) => this.#behaviourOf(task, attempt),
      reenter: (call, task) => this.#reenter(call, task),
      began: (begun) => this.#began(begun),
    });
    this.services.push(service);
    this.current.set(plan.name, service);
    return service;
  }

  #behaviourOf(task: string, attempt: number): Behaviour {
    const script = this.clients.scriptOf(task);
    return (this.isCalm ? undefined : script[Math.min(attempt, script.length) - 1]) ?? ANSWER;
  }

  #reenter(call: Reentry, task: string): void {
    if (this.isCalm) return;
    this.clients.inside(() => {
      if (call === 'cancelSelf') this.clients.cancelSelf(task);
      else this.#call(call, hashOf(`${call} ${task}`) % 97);
    });
  }

  /** Circuits: nothing starts while one is open, and one probe at a time while it is half open. */
  #began(service: VirtualService): number | null {
    const { name, rate } = service.plan;
    this.#countStart(this.#starts, this.plan.setup.rate);
    this.#countStart(service.starts, rate);
    if (this.current.get(name) !== service) return null;
    const circuit = this.supervisor.crews.find((crew) => crew.name === name)?.circuit;
    if (circuit === undefined || circuit.state === 'closed') return null;
    if (circuit.state === 'open') {
      this.break('S22', `an attempt started on "${name}" while its circuit is open`);
    }
    this.recorder.probed(name);
    const others = [...service.running].filter(
      ({ probeEpoch, context }) => probeEpoch !== null && !context.signal.aborted,
    );
    if (others.length > 0) this.break('S22', `a second probe started on "${name}"`);
    return circuit.epoch;
  }

  /** Rate limits: no stretch of an interval holds more starts than allowed; two fixed windows may touch. */
  #countStart(starts: number[], rate: RatePlan | null): void {
    const nowMs = this.clock.now();
    starts.push(nowMs);
    if (rate === null) return;
    const { limit, intervalSeconds, window } = rate;
    const recent = starts.filter((startMs) => startMs > nowMs - intervalSeconds * 1000).length;
    const most = limit * (window === 'fixed' ? 2 : 1);
    if (recent > most) {
      this.break('rate', `${recent} attempts started within ${intervalSeconds} s; allowed are ${most}`);
    }
  }

  #log(): Log {
    const quiet = this.plan.setup.throws.log ? throwing : () => {};
    return {
      debug: quiet,
      info: quiet,
      warn: quiet,
      error: (facts, message) => {
        const { cause } = facts as { cause?: unknown };
        const stack = cause instanceof Error ? `: ${cause.stack?.split('\n').slice(0, 4).join(' ')}` : '';
        this.break('C14', `the runtime reports a defect: ${message}${stack}`);
        quiet();
      },
    };
  }
}

/** Longer than any rate limit makes a probe wait, in milliseconds. */
const PATIENCE_MS = 36_000_000;

const PROBE: TaskPlan = {
  keyword: 'probe',
  script: [ANSWER],
  service: null,
  priority: null,
  timeoutMs: null,
  queueTimeoutMs: PATIENCE_MS,
  deadlineMs: PATIENCE_MS,
  maxRetries: null,
  taskId: null,
  key: null,
  signal: 'none',
  kwargs: 'none',
  progressThrows: false,
};

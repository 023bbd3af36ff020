import { CircuitBreaker, type CircuitPolicy } from '../core/circuit-breaker.js';
import { explicitRoute, freezeRoute } from '../core/decide-route.js';
import type { Clock } from '../core/environment.js';
import { RateLimiter } from '../core/rate-limiter.js';
import { RecentOutcomes } from '../core/recent-outcomes.js';
import type { Route } from '../core/route.js';
import type { Turn } from './assignment.js';
import type { Due } from './deadlines.js';
import { Mailbox } from './mailbox.js';
import type { ServiceDefinition } from './registry.js';
import type { ServiceInstance } from './service-instance.js';

/** Instances that stand for "without limit" where load is divided by them. */
const MANY_INSTANCES = 1e9;

/** Tasks that take less are quick, in milliseconds: a few of them in a row keep nobody waiting that a person would notice. */
const QUICK_MS = 5;
/** A row of quick tasks may have so many, or as many as take {@link ROW_MS} together: a turn costs two changes of state. */
const ROW_TASKS = 16;
const ROW_MS = 4;

/**
 * Owns: the mailbox, the instances, the circuit and the counters of one service. Talks to nobody; the supervisor and
 * the instances write here.
 *
 * Invariant L1: `hired` ≤ concurrency; each hired instance is working (busy, retrying, held by an abandoned attempt), `free`
 * or `finished`.
 */
export class Crew implements Turn {
  readonly definition: ServiceDefinition;
  readonly mailbox: Mailbox;
  readonly circuit: CircuitBreaker;
  readonly explicitRoute: Route;
  /** The route of every task while this is the only service and nothing is ranked; made when first needed. */
  soleRoute: Route | null = null;
  readonly instances: ServiceInstance[] = [];
  /** Instances without a task whose machine is `idle` or `failed`. */
  readonly free: ServiceInstance[] = [];
  /** Instances without a task whose machine is still `busy`: they get the next task or are released, a moment later. */
  readonly finished: ServiceInstance[] = [];
  readonly rate: RateLimiter | null;
  /** Its own limit; null means `maxParallel`. Changeable at any time. */
  ownConcurrency: number | null;
  /** Tasks whose backoff is over and that wait for a parallel slot. */
  due = 0;
  /** Instances hired or being hired. */
  hired = 0;
  /** Tasks of this service that are accepted and not settled. */
  open = 0;
  /** Tasks among them that are beyond their first attempt. */
  retrying = 0;
  abandoned = 0;
  completed = 0;
  failed = 0;
  lastError: string | null = null;
  /** When actors of its instances died of defects, lately. */
  crashesAtMs: readonly number[] = [];
  /** True as soon as the service was removed or replaced: nothing more is assigned to this crew. */
  isRetired = false;
  /** Waits with the deadlines while the circuit is open. */
  probe: Due | null = null;
  /** Waits with the deadlines while abandoned attempts hold every instance. */
  held: Due | null = null;
  /** Of tasks, from the first start to the end. */
  readonly #outcomes = new RecentOutcomes();
  readonly #clock: Clock;
  readonly #maxParallel: () => number;

  constructor(
    definition: ServiceDefinition,
    options: {
      readonly mailboxCapacity: number;
      readonly circuit: CircuitPolicy;
      readonly clock: Clock;
      readonly maxParallel: () => number;
    },
  ) {
    this.definition = definition;
    this.mailbox = new Mailbox(options.mailboxCapacity);
    this.circuit = new CircuitBreaker(options.circuit);
    this.rate = definition.rateLimit === null ? null : new RateLimiter(definition.rateLimit);
    this.ownConcurrency = definition.concurrency;
    this.explicitRoute = freezeRoute(explicitRoute(definition.name));
    this.#clock = options.clock;
    this.#maxParallel = options.maxParallel;
  }

  get name(): string {
    return this.definition.name;
  }

  /** Most attempts at once, abandoned ones included. */
  get concurrency(): number {
    return this.ownConcurrency ?? this.#maxParallel();
  }

  get headPriority(): number {
    return this.mailbox.headPriority;
  }

  get canStart(): boolean {
    return this.mailbox.size > 0 && !this.isRetired && this.hasRoom && this.isAvailable && this.isWithinRate;
  }

  /** Its rate limit lets another attempt start now. */
  get isWithinRate(): boolean {
    if (this.rate === null) return true;
    const nowMs = this.#clock.now();
    return this.rate.nextStartMs(nowMs, this.running) <= nowMs;
  }

  /** Attempts that run; abandoned ones and tasks in backoff are not among them. */
  get running(): number {
    return this.instances.reduce((sum, { task }) => sum + (task?.state === 'busy' ? 1 : 0), 0);
  }

  /** More attempts run, or are held, than may: its limit was lowered, and there are the instances of before. */
  get isBeyondLimit(): boolean {
    return this.hired > this.concurrency && this.running + this.abandoned > this.concurrency;
  }

  get hasRoom(): boolean {
    return (
      this.working < this.concurrency &&
      (this.free.length > 0 || this.finished.length > 0 || this.hired < this.concurrency)
    );
  }

  /** Instances that have a task or are held by an abandoned attempt. */
  get working(): number {
    return this.hired - this.free.length - this.finished.length;
  }

  /** The circuit is closed, or lets a probe through and an instance could run it. */
  get isAvailable(): boolean {
    if (this.circuit.state === 'closed') return true;
    return this.abandoned < this.concurrency && this.circuit.allows(this.#clock.now());
  }

  /** A task that was started has ended; `isFault` when the service could not be reached or broke down. */
  noteEnd(tookMs: number, isFault: boolean, nowMs: number): void {
    this.#outcomes.learn(tookMs, isFault, nowMs);
  }

  /** How long another task is likely to take here, as a comparison with other crews; lower is less busy. */
  get load(): number {
    const instances = Math.min(this.concurrency, this.#maxParallel(), MANY_INSTANCES);
    return this.#outcomes.cost(this.open, this.#clock.now()) / instances;
  }

  /**
   * Most tasks that one of its instances takes in a row while other services wait for a turn: 1 unless its tasks are quick.
   * Whether they are is unknown before one ended and while time stands still.
   */
  get mostInARow(): number {
    const meanMs = this.#outcomes.meanMs ?? 0;
    return meanMs > 0 && meanMs < QUICK_MS ? Math.max(ROW_TASKS, ROW_MS / meanMs) : 1;
  }

  /** In about how many seconds one of its tasks ends: an estimate; one second while none has ended yet. */
  get secondsToNextEnd(): number {
    const { meanMs } = this.#outcomes;
    if (meanMs === null) return 1;
    return Math.ceil(meanMs / Math.min(this.concurrency, this.#maxParallel())) / 1000;
  }

  toJSON(): object {
    const { name, mailbox, circuit, hired, working, abandoned } = this;
    return { name, mailbox, circuit, hired, working, abandoned };
  }
}

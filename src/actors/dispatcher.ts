import type { Clock } from '../core/environment.js';
import type { Hire, Resize } from '../machines/supervisor.machine.js';
import { nextTurn } from './assignment.js';
import type { Crew } from './crew.js';
import type { Ledger } from './ledger.js';
import type { RateGate } from './rate-gate.js';
import type { ServiceDefinition } from './registry.js';
import type { Roster } from './roster.js';
import type { InstancePorts, ServiceInstance } from './service-instance.js';
import type { TaskRecord } from './task-record.js';

/** How long an instance without a task waits for another one before its machine is told, in milliseconds: a moment. */
const RELEASE_MS = 5;

/**
 * Owns: the parallel slots, whose turn it is, the tasks whose backoff is over, and the instances that wait for work or
 * for their release. Talks to: the instances (by events), the ledger, the roster, the rate gate.
 *
 * Invariants
 * - I1 Attempts running ≤ maxParallel; abandoned attempts and tasks in backoff hold no slot.
 * - I2 Per service: instances with a task or held by an abandoned attempt ≤ concurrency.
 * - I7 No slot is free while a task could start.
 */
export class Dispatcher {
  maxParallel: number;
  /** Set as soon as a pause is asked for: from then on nothing starts, though its event may have to wait. */
  isHeldBack = false;
  readonly #clock: Clock;
  readonly #ledger: Ledger;
  readonly #roster: Roster;
  readonly #rates: RateGate;
  readonly #instancePorts: InstancePorts;
  readonly #isInspected: boolean;
  readonly #endInstead: (task: TaskRecord) => boolean;
  readonly #lose: (instance: ServiceInstance, cause: unknown) => void;
  /** Tasks whose backoff is over, first come first served; they go before all others. */
  readonly #due = new Set<TaskRecord>();
  /** Crews with instances that finished or became free since the last dispatch. */
  readonly #touched: Crew[] = [];
  /** Crews with instances that are to be released. */
  readonly #unreleased: Crew[] = [];
  #releasing: unknown;
  #hires: Hire[] = [];
  #lastServed = -1;

  /**
   * @param endings.endInstead - Ends a task that must not start (cancelled, overdue) and says so.
   * @param endings.lose - An instance broke by a defect of ours: its task is answered, and it goes.
   */
  constructor(
    parts: {
      readonly clock: Clock;
      readonly ledger: Ledger;
      readonly roster: Roster;
      readonly rates: RateGate;
      readonly instancePorts: InstancePorts;
      /** Somebody watches the machines, and is to see each task come to its instance. */
      readonly isInspected: boolean;
    },
    maxParallel: number,
    endings: {
      readonly endInstead: (task: TaskRecord) => boolean;
      readonly lose: (instance: ServiceInstance, cause: unknown) => void;
    },
  ) {
    this.#clock = parts.clock;
    this.#ledger = parts.ledger;
    this.#roster = parts.roster;
    this.#rates = parts.rates;
    this.#instancePorts = parts.instancePorts;
    this.#isInspected = parts.isInspected;
    this.maxParallel = maxParallel;
    this.#endInstead = endings.endInstead;
    this.#lose = endings.lose;
  }

  get mayStart(): boolean {
    const { running } = this.#ledger;
    return !this.isHeldBack && running < this.maxParallel && this.#rates.allows(running);
  }

  /** Whether a task that was assigned may start: what held then may have changed since. */
  stillAllows({ cancelRequest, attempts, crew }: TaskRecord): boolean {
    if (cancelRequest !== null || this.isHeldBack || this.#ledger.running > this.maxParallel) return false;
    return crew === null || !(crew.isBeyondLimit || (crew.isRetired && attempts === 0));
  }

  /** How many more tasks of a crew would start at once. */
  room({ mailbox, isRetired, isAvailable, isWithinRate, concurrency, working }: Crew): number {
    if (!this.mayStart || mailbox.size > 0 || isRetired || !isAvailable || !isWithinRate) return 0;
    return Math.min(this.maxParallel - this.#ledger.running, concurrency - working);
  }

  /** Hands tasks to instances: those that come out of a backoff first, then those that wait, in turns. */
  startWaiting(): void {
    this.#resumeDue();
    this.#handOver();
    while (this.mayStart) {
      const index = nextTurn(this.#roster.turns, this.#lastServed);
      const crew = this.#roster.turns[index];
      if (crew === undefined) break;
      this.#lastServed = index;
      this.#startNext(crew, 1);
    }
  }

  /** Many tasks may come in one event: a mailbox that is full makes room, where it can, before the next one is placed. */
  relieve(crew: Crew | null): void {
    if (crew?.mailbox.isFull && !this.isHeldBack) this.startWaiting();
  }

  /** Instances that are wanted since the last call. */
  takeHires(): readonly Hire[] {
    const hires = this.#hires;
    if (hires.length > 0) this.#hires = [];
    return hires;
  }

  /** Lower limits hold at once, though their event may have to wait. */
  lower({ maxParallel = Number.POSITIVE_INFINITY, service, concurrency }: Resize): void {
    if (maxParallel < this.maxParallel) this.maxParallel = maxParallel;
    const crew = this.#roster.crewOf(service ?? null);
    if (crew && concurrency !== undefined && concurrency < crew.concurrency)
      crew.ownConcurrency = concurrency;
  }

  resize({ maxParallel, service, concurrency }: Resize): void {
    if (maxParallel !== undefined) this.maxParallel = maxParallel;
    const crew = this.#roster.crewOf(service ?? null);
    if (crew && concurrency !== undefined) crew.ownConcurrency = concurrency;
  }

  /** The crews changed: turns begin anew, and a retired crew without work is to go. */
  restaffed(retired: Crew | undefined): void {
    this.#lastServed = -1;
    if (retired) this.#touch(retired);
  }

  /** The instance takes the next task, or is released. */
  finish(instance: ServiceInstance): void {
    instance.crew.finished.push(instance);
    this.#touch(instance.crew);
  }

  /** The instance has no task, and its machine is in a state without one. */
  free(instance: ServiceInstance): void {
    instance.crew.free.push(instance);
    this.#touch(instance.crew);
  }

  /** The assignment was undone: what its start took from the rate limits is given back. */
  withdrawn(crew: Crew): void {
    this.#rates.withdrawn(crew);
  }

  /** The backoff of a task is over: it gets the next free slot. */
  addDue(task: TaskRecord, crew: Crew): void {
    this.#due.add(task);
    crew.due += 1;
  }

  forgetDue(task: TaskRecord): void {
    if (this.#due.delete(task) && task.crew) task.crew.due -= 1;
  }

  /**
   * The end of a dispatch. Instances that finished and got no other task are released a moment later: a caller who works step
   * by step comes with the next task before, and it is handed over. `dismiss` is told of crews that are done for good.
   */
  rest(dismiss: (definition: ServiceDefinition, ids: readonly string[]) => void): void {
    if (this.#touched.length === 0) return;
    for (const crew of this.#touched) {
      if (crew.finished.length > 0 && !this.#unreleased.includes(crew)) this.#unreleased.push(crew);
      if (!crew.isRetired) continue;
      this.release();
      const ids = this.#roster.dismiss(crew);
      if (ids !== null) dismiss(crew.definition, ids);
    }
    this.#touched.length = 0;
    if (this.#unreleased.length === 0) return;
    if (this.#isInspected) this.release();
    else this.#releasing ??= this.#clock.setTimeout(this.release, RELEASE_MS);
  }

  /** Instances without a task go back to idle. Whoever sees one do so may ask for this again. */
  readonly release = (): void => {
    if (this.#unreleased.length === 0) return;
    this.#clock.clearTimeout(this.#releasing);
    this.#releasing = undefined;
    for (const { finished, free } of this.#unreleased.splice(0)) {
      for (let instance = finished.shift(); instance !== undefined; instance = finished.shift()) {
        instance.actor?.send({ type: 'RELEASE' });
        // It is gone if its actor broke just now.
        if (this.#roster.instances.has(instance.id)) free.push(instance);
      }
    }
  };

  #touch(crew: Crew): void {
    // There are few: a set costs more.
    if (!this.#touched.includes(crew)) this.#touched.push(crew);
  }

  #resumeDue(): void {
    for (const task of this.#due) {
      if (!this.mayStart) return;
      const { instance, crew, cancelRequest } = task;
      if (cancelRequest !== null) continue;
      // Its circuit may have opened: then the instance gives the task back, and the report is under way.
      if (crew === null || instance?.task !== task || instance.isDown() || !crew.isWithinRate) continue;
      this.forgetDue(task);
      this.#rates.started(crew, this.#ledger.running);
      this.#ledger.enter(task, 'busy');
      instance.actor?.send({ type: 'RESUME' });
    }
  }

  /**
   * Instances of quick services go on with their next task, a few times in a row: a turn would release one instance and
   * start another, two changes of state that may cost more than the task. Never past a task of higher priority.
   */
  #handOver(): void {
    for (const crew of this.#touched) {
      while (this.mayStart && crew.canStart) {
        const inARow = crew.finished.at(-1)?.inARow;
        if (inARow === undefined || inARow >= crew.mostInARow) break;
        if (crew.headPriority < this.#roster.highestPriority) break;
        this.#startNext(crew, inARow + 1);
      }
    }
  }

  /** @param inARow - Which of the tasks in a row this is for its instance. */
  #startNext(crew: Crew, inARow: number): void {
    const task = crew.mailbox.take();
    if (task === undefined || this.#endInstead(task)) return;
    this.#rates.started(crew, this.#ledger.running);
    const isProbe = crew.circuit.state !== 'closed';
    if (isProbe) crew.circuit.beginProbe();
    const finished = crew.finished.pop();
    const instance = finished ?? crew.free.pop();
    if (instance === undefined) this.#hireFor(task, crew, inARow);
    else {
      instance.inARow = inARow;
      if (inARow > 1 && !this.#isInspected) this.#continueRow(task, instance);
      else this.#assign(task, instance, isProbe && finished === undefined ? 'PROBE' : 'ASSIGN');
    }
  }

  /** The machine of an instance in a row stays busy and has nothing to decide: it need not hear of each task. */
  #continueRow(task: TaskRecord, instance: ServiceInstance): void {
    task.instance = instance;
    this.#ledger.enter(task, 'busy');
    try {
      instance.startAttempt(task);
    } catch (cause) {
      this.#lose(instance, cause);
    }
  }

  #assign(task: TaskRecord, instance: ServiceInstance, type: 'ASSIGN' | 'PROBE'): void {
    task.instance = instance;
    this.#ledger.enter(task, 'busy');
    instance.actor?.send({ type, task });
  }

  #hireFor(task: TaskRecord, crew: Crew, inARow: number): void {
    const instance = this.#roster.newInstance(crew, this.#instancePorts);
    instance.inARow = inARow;
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
          this.free(instance);
        }
      },
    });
  }
}

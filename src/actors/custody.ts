import type { EngineRoute, EngineTask, TaskKeeper } from '../core/engine.js';
import type { OrchestratorError } from '../core/errors.js';
import * as errors from '../core/errors.js';
import type { TaskResult } from '../core/result.js';
import type { Ledger } from './ledger.js';
import type { TaskRecord } from './task-record.js';
import type { Waiters } from './waiters.js';

/**
 * How much later than elsewhere a deadline is watched here, in milliseconds: there it is known how far the task was, and here
 * it is only certain to be noticed.
 */
const GRACE_MS = 500;

/** What custody needs from outside. */
export interface CustodyPorts {
  /** Null under an engine that keeps no tasks: then every task runs at once. */
  readonly keeper: TaskKeeper | null;
  readonly ledger: Ledger;
  readonly waiters: Waiters;
  /** The task goes into the runtime. */
  readonly run: (task: TaskRecord) => void;
  /** Where a task would go just now. */
  readonly route: (task: TaskRecord) => Promise<EngineRoute>;
  readonly cancel: (task: TaskRecord, reason: unknown) => void;
  /** Nothing more is accepted. */
  readonly isDraining: () => boolean;
  /** Arms the deadline of a task that runs elsewhere, so many milliseconds late. */
  readonly armDeadline: (task: TaskRecord, graceMs: number) => void;
  /** A task ended without an event of the machine: a drain may be over. */
  readonly ended: () => void;
}

/**
 * Owns: the tasks that are accepted and not in the runtime, because the engine has not given its word on them or runs them
 * elsewhere. Talks to: the engine's keeper, the ledger. Invariants:
 * - L1 a task is in custody exactly from its acceptance until the engine lets it run, refuses it or tells its end, unless
 *   the supervisor ends it first;
 * - L2 an engine's word on a task that is not in custody any more changes nothing.
 */
export class Custody {
  readonly #ports: CustodyPorts;
  /** Wait for the engine's word. */
  readonly #undecided = new Set<TaskRecord>();
  /** Driven by the engine, in other processes. */
  readonly #elsewhere = new Set<TaskRecord>();
  /** Not taken by the engine; some had been ended before it said so. */
  readonly #refused = new WeakSet<TaskRecord>();

  constructor(ports: CustodyPorts) {
    this.#ports = ports;
  }

  /** Takes a task that was accepted just now. */
  submit(task: TaskRecord): void {
    const { keeper, isDraining, run } = this.#ports;
    if (keeper === null) run(task);
    else if (isDraining()) this.#refuseAtOnce(task, errors.shuttingDown());
    else {
      this.#undecided.add(task);
      keeper.accept(task);
    }
  }

  /** Takes a task of an earlier process, or of another one. */
  hold(task: TaskRecord): void {
    this.#ports.ledger.claimId(task);
    this.#undecided.add(task);
  }

  /** Tasks in custody, in order of their acceptance. */
  get tasks(): TaskRecord[] {
    return [...this.#undecided, ...this.#elsewhere].filter(isOpen);
  }

  /** Lets go of everything: the supervisor ends it. */
  release(): TaskRecord[] {
    const { tasks } = this;
    this.#undecided.clear();
    this.#elsewhere.clear();
    return tasks;
  }

  /** Resolves once the engine has given its word on the task: whether it took it. */
  async whenDecided(task: TaskRecord): Promise<boolean> {
    await this.#ports.waiters.when(() => !this.#undecided.has(task));
    return !this.#refused.has(task);
  }

  // The engine's word.

  run(tasks: readonly EngineTask[]): void {
    for (const task of tasks as readonly TaskRecord[]) {
      if (this.#undecided.delete(task) && isOpen(task)) this.#ports.run(task);
    }
    this.#ports.waiters.check();
  }

  handOver(task: EngineTask): void {
    const record = task as TaskRecord;
    if (this.#undecided.delete(record) && isOpen(record)) {
      this.#elsewhere.add(record);
      this.#ports.armDeadline(record, GRACE_MS);
      this.#ports.ledger.tellHandedOver(record);
    }
    this.#tellAll();
  }

  end(task: EngineTask, result: TaskResult): void {
    const record = task as TaskRecord;
    if (!this.#elsewhere.delete(record) || !isOpen(record)) return;
    this.#ports.ledger.adopt(record, result);
    this.#tellAll();
  }

  refuse(task: EngineTask, error: OrchestratorError): void {
    const record = task as TaskRecord;
    const wasHere = this.#undecided.delete(record) || this.#elsewhere.delete(record);
    if (wasHere) this.#refused.add(record);
    if (wasHere && isOpen(record)) {
      this.#refuseAtOnce(record, error);
      this.#ports.ended();
    }
    this.#ports.waiters.check();
  }

  interrupt(task: EngineTask, error: OrchestratorError): void {
    const record = task as TaskRecord;
    if (!this.#undecided.delete(record) || !isOpen(record)) return;
    this.#ports.ledger.fail(record, 'interrupted', error);
    this.#tellAll();
  }

  // What the engine asks for.

  route(task: EngineTask): Promise<EngineRoute> {
    return this.#ports.route(task as TaskRecord);
  }

  cancel(task: EngineTask, reason: unknown): void {
    this.#ports.cancel(task as TaskRecord, reason);
  }

  answer(task: EngineTask, result: TaskResult): void {
    (task as TaskRecord).answer(result);
  }

  #refuseAtOnce(task: TaskRecord, error: OrchestratorError): void {
    this.#ports.ledger.refuse(task, error);
    this.#ports.ledger.announce();
  }

  #tellAll(): void {
    this.#ports.ledger.announce();
    this.#ports.ended();
    this.#ports.waiters.check();
  }
}

/** In custody a task stays as it was accepted; anything else is a task that was ended meanwhile. */
function isOpen(task: TaskRecord): boolean {
  return task.state === 'accepted';
}

import { EventEmitter } from 'eventemitter3';
import type { Log } from '../core/environment.js';
import { misuse } from '../core/errors.js';
import type { RuntimeEvent } from '../core/events.js';
import type { TaskResult } from '../core/result.js';
import { callGuarded } from './call-guarded.js';
import type { TaskRecord } from './task-record.js';

/** A task at its acceptance: what the other events do not repeat. */
export interface AcceptedTask {
  readonly taskId: string;
  /** What to do, in the caller's words. */
  readonly task: string;
  /** The service that the caller named, or null. */
  readonly service: string | null;
}

/** Events of `orchestrator.on()`. A listener that throws is reported and changes nothing. */
export interface OrchestratorEvents {
  /** A task was accepted; told before any other event of it, and the only one that holds its text. */
  accepted: [task: AcceptedTask];
  /** A task was submitted. */
  add: [taskId: string];
  /** A task's first attempt started. */
  active: [taskId: string];
  /** A task ended, however. */
  next: [result: TaskResult];
  completed: [result: TaskResult];
  /** A task failed, timed out or was rejected. A cancelled one is neither completed nor an error. */
  error: [result: TaskResult];
  /** The last waiting task left the queue. */
  empty: [];
  /** Nothing waits, runs or backs off. */
  idle: [];
  /** Tasks began to wait for a rate window. */
  rateLimit: [];
  /** No task waits for a rate window any more. */
  rateLimitCleared: [];
  /** Every fact of every task and circuit. */
  event: [event: RuntimeEvent];
}

/** A list that the compiler keeps complete. */
const NAMES: Readonly<Record<keyof OrchestratorEvents, true>> = {
  accepted: true,
  add: true,
  active: true,
  next: true,
  completed: true,
  error: true,
  empty: true,
  idle: true,
  rateLimit: true,
  rateLimitCleared: true,
  event: true,
};

/** What there is at a moment: tasks that are not settled, and the ids of those among them that wait. */
export interface QueueLoad {
  readonly open: number;
  readonly waiting: Iterable<string>;
}

/** Turns the supervisor's facts into the events that users of queues know. */
export class QueueEvents {
  readonly #emitter = new EventEmitter<OrchestratorEvents>();
  readonly #log: Log;
  readonly #look: () => QueueLoad;
  /** Tasks that wait, and how many are not settled, as the facts so far tell. */
  #waiting = new Set<string>();
  #open = 0;
  /** Kept beside the emitter, which would count its listeners anew for each fact. */
  #isHeard = false;
  #areTextsHeard = false;
  /** A waiting task's id under which another one was submitted: that one is refused by the very next fact. */
  #refusedId: string | null = null;

  /** @param look - What there is when the first listener comes; facts are told from then on. */
  constructor(log: Log, look: () => QueueLoad) {
    this.#log = log;
    this.#look = look;
  }

  /** Takes facts while anybody listens. */
  get listener(): ((event: RuntimeEvent) => void) | null {
    return this.#isHeard ? this.#onEvent : null;
  }

  /** Takes accepted tasks while anybody listens to them. */
  get acceptance(): ((task: TaskRecord) => void) | null {
    return this.#areTextsHeard ? this.#onAccepted : null;
  }

  /** @throws TypeError for a name that is no event: its listener would never be called. */
  on<E extends keyof OrchestratorEvents>(
    name: E,
    listener: (...values: OrchestratorEvents[E]) => void,
  ): void {
    if (!Object.hasOwn(NAMES, name)) {
      throw misuse(`There is no event "${String(name)}"; known: ${Object.keys(NAMES).join(', ')}.`);
    }
    if (this.listener === null) {
      const { open, waiting } = this.#look();
      this.#open = open;
      this.#waiting = new Set(waiting);
    }
    this.#emitter.on(name, listener as (...values: unknown[]) => void);
    this.#noteListeners();
  }

  off<E extends keyof OrchestratorEvents>(
    name: E,
    listener: (...values: OrchestratorEvents[E]) => void,
  ): void {
    this.#emitter.off(name, listener as (...values: unknown[]) => void);
    this.#noteListeners();
  }

  removeAll(): void {
    this.#emitter.removeAllListeners();
    this.#noteListeners();
  }

  readonly #onAccepted = ({ id: taskId, text: task, settings: { service } }: TaskRecord): void =>
    this.#emit('accepted', { taskId, task, service });

  readonly #onEvent = (event: RuntimeEvent): void => {
    const refusedId = this.#refusedId;
    this.#refusedId = null;
    this.#emit('event', event);
    switch (event.type) {
      case 'submitted':
        if (this.#waiting.has(event.taskId)) this.#refusedId = event.taskId;
        this.#open += 1;
        this.#waiting.add(event.taskId);
        this.#emit('add', event.taskId);
        return;
      case 'queued':
        this.#waiting.add(event.taskId);
        return;
      case 'started':
        if (event.attempt === 1) this.#emit('active', event.taskId);
        this.#leaveQueue(event.taskId);
        return;
      case 'settled':
        this.#tellResult(event.result);
        if (event.taskId !== refusedId) this.#leaveQueue(event.taskId);
        this.#open -= 1;
        if (this.#open === 0) this.#emit('idle');
        return;
      case 'rate_limit':
        this.#emit(event.isLimited ? 'rateLimit' : 'rateLimitCleared');
        return;
      default:
        return;
    }
  };

  #noteListeners(): void {
    this.#isHeard = this.#emitter.eventNames().length > 0;
    this.#areTextsHeard = this.#emitter.listenerCount('accepted') > 0;
  }

  #tellResult(result: TaskResult): void {
    if (result.success) this.#emit('completed', result);
    else if (result.status !== 'cancelled') this.#emit('error', result);
    this.#emit('next', result);
  }

  #leaveQueue(taskId: string): void {
    if (this.#waiting.delete(taskId) && this.#waiting.size === 0) this.#emit('empty');
  }

  /** Calls each listener under guard: one that throws keeps neither the others nor the runtime. */
  #emit<E extends keyof OrchestratorEvents>(name: E, ...values: OrchestratorEvents[E]): void {
    for (const listener of this.#emitter.listeners(name)) {
      const call = (): unknown => (listener as (...values: OrchestratorEvents[E]) => unknown)(...values);
      callGuarded(call, (cause) => this.#log.warn({ event: name, cause }, 'a listener threw'));
    }
  }
}

import { EventEmitter } from 'eventemitter3';
import type { Log } from '../core/environment.js';
import type { RuntimeEvent } from '../core/events.js';
import type { TaskResult } from '../core/result.js';

/** Events of `orchestrator.on()`. A listener that throws is reported and changes nothing. */
export interface OrchestratorEvents {
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

/** Turns the supervisor's facts into the events that users of queues know. */
export class QueueEvents {
  readonly #emitter = new EventEmitter<OrchestratorEvents>();
  readonly #log: Log;
  /** Tasks that wait, and tasks that are not settled, as the facts so far tell. */
  readonly #waiting = new Set<string>();
  readonly #open = new Set<string>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** Takes facts while anybody listens. */
  get listener(): ((event: RuntimeEvent) => void) | null {
    return this.#emitter.eventNames().length === 0 ? null : this.#onEvent;
  }

  on<E extends keyof OrchestratorEvents>(
    name: E,
    listener: (...values: OrchestratorEvents[E]) => void,
  ): void {
    this.#emitter.on(name, listener as (...values: unknown[]) => void);
  }

  off<E extends keyof OrchestratorEvents>(
    name: E,
    listener: (...values: OrchestratorEvents[E]) => void,
  ): void {
    this.#emitter.off(name, listener as (...values: unknown[]) => void);
  }

  removeAll(): void {
    this.#emitter.removeAllListeners();
  }

  readonly #onEvent = (event: RuntimeEvent): void => {
    this.#emit('event', event);
    switch (event.type) {
      case 'submitted':
        this.#open.add(event.taskId);
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
        this.#onSettled(event.taskId, event.result);
        return;
      case 'rate_limit':
        this.#emit(event.isLimited ? 'rateLimit' : 'rateLimitCleared');
        return;
      default:
        return;
    }
  };

  #onSettled(taskId: string, result: TaskResult): void {
    if (result.success) this.#emit('completed', result);
    else if (result.status !== 'cancelled') this.#emit('error', result);
    this.#emit('next', result);
    this.#leaveQueue(taskId);
    if (this.#open.delete(taskId) && this.#open.size === 0) this.#emit('idle');
  }

  #leaveQueue(taskId: string): void {
    if (this.#waiting.delete(taskId) && this.#waiting.size === 0) this.#emit('empty');
  }

  /** Calls each listener under guard: one that throws keeps neither the others nor the runtime. */
  #emit<E extends keyof OrchestratorEvents>(name: E, ...values: OrchestratorEvents[E]): void {
    for (const listener of this.#emitter.listeners(name)) {
      try {
        (listener as (...values: OrchestratorEvents[E]) => void)(...values);
      } catch (cause) {
        this.#log.warn({ event: name, cause }, 'a listener threw');
      }
    }
  }
}

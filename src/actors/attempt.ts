import type { TaskKeeper } from '../core/engine.js';
import type { Clock, Log } from '../core/environment.js';
import { cancelled } from '../core/errors.js';
import type { ServiceFunction } from '../core/service.js';
import type { Tracing } from '../core/tracing.js';
import { AttemptContext, type AttemptSource } from './attempt-context.js';
import { collectItems } from './collect-items.js';
import type { Due } from './deadlines.js';
import type { TaskRecord } from './task-record.js';

/**
 * Owns: one try of a task on a service, and the boundary around the service's code. Talks to: its instance.
 *
 * Invariants
 * - L1 Whatever the service does (throws, rejects, answers twice, answers late), exactly one of `onValue` and `onFault`
 *   is called, once, when its code ends; never, if its code never ends.
 * - L2 `onTimeout` is called only while the attempt is running.
 */

/**
 * Who is told of an attempt: functions that need no `this`, made once per instance, for an instance has one attempt at a
 * time whose code runs.
 */
export interface AttemptObserver {
  readonly onValue: (value: unknown) => void;
  readonly onFault: (cause: unknown) => void;
  readonly onTimeout: (attempt: Attempt) => void;
}

/** What an attempt needs from outside. */
export interface AttemptPorts {
  readonly service: string;
  /** Id of the instance. */
  readonly instance: string;
  readonly tracing: Tracing | null;
  readonly keeper: TaskKeeper | null;
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: AttemptObserver;
  readonly maxResultBytes: number;
  /** The error of a result that is larger than that. */
  readonly tooLarge: (items: readonly unknown[]) => Error;
}

/** One attempt. It is its own entry among the deadlines: due at its timeout. */
export class Attempt implements Due, AttemptSource {
  readonly task: TaskRecord;
  readonly number: number;
  /** Period of the circuit in which it began. */
  readonly epoch: number;
  readonly dueMs: number;
  heapIndex = -1;
  /** `abandoned`: given up while its code goes on. `ended`: its code has ended. */
  state: 'running' | 'abandoned' | 'ended' = 'running';
  readonly #ports: AttemptPorts;
  readonly #context: AttemptContext;
  readonly #startedAtMs: number;
  #stopIterating: (() => void) | undefined;
  /** False while the engine makes it wait. */
  hasBegun = false;

  /** @param epoch - Period of the circuit in which it begins. */
  constructor(task: TaskRecord, epoch: number, nowMs: number, ports: AttemptPorts) {
    this.task = task;
    this.number = task.attempts;
    this.epoch = epoch;
    this.dueMs = nowMs + task.timeoutMs;
    this.#ports = ports;
    this.#startedAtMs = nowMs;
    this.#context = new AttemptContext(this, nowMs, ports.log);
  }

  /** Calls the service, once the engine allows it. User code runs here, under guard. */
  start(execute: ServiceFunction): void {
    const { keeper, service } = this.#ports;
    if (keeper === null) this.#begin(execute);
    else keeper.attempt(this.task, service, () => this.#beginUnlessAbandoned(execute));
  }

  /** It may have been given up while the engine made it wait: then it ends as if its code had. */
  #beginUnlessAbandoned(execute: ServiceFunction): void {
    if (this.state === 'running') this.#begin(execute);
    else this.#ports.observer.onFault(cancelled(undefined));
  }

  #begin(execute: ServiceFunction): void {
    const { tracing, service, instance } = this.#ports;
    this.hasBegun = true;
    if (tracing === null) {
      this.#call(execute);
      return;
    }
    const about = { taskId: this.task.id, service, instance, attempt: this.number };
    tracing.attempt({ ...about, atMs: this.#startedAtMs }, (traceparent) => {
      if (traceparent !== null) this.#context.traceparent = traceparent;
      this.#call(execute);
    });
  }

  #call(execute: ServiceFunction): void {
    const { onValue, onFault } = this.#ports.observer;
    try {
      const outcome = execute(this.task.text, this.#context);
      if (outcome instanceof Promise && outcome.then === promiseThen)
        promiseThen.call(outcome, onValue, onFault);
      else if (isAsyncIterable(outcome)) this.#collect(outcome);
      else {
        const then = thenOf(outcome);
        if (then === undefined) onValue(outcome);
        else this.#adopt(outcome, then);
      }
    } catch (cause) {
      onFault(cause);
    }
  }

  get service(): string {
    return this.#ports.service;
  }

  /** Gives the attempt up; its code may go on. The signal is fired by {@link abort}, after the state is right. */
  giveUp(): void {
    if (this.state === 'running') this.state = 'abandoned';
  }

  /** Fires the signal. Listeners of the service run here. */
  abort(reason: unknown): void {
    this.#context.abort(reason);
    this.#stopIterating?.();
  }

  /** Called by the deadlines at the timeout. */
  expire(): void {
    if (this.state === 'running') this.#ports.observer.onTimeout(this);
  }

  #collect(iterable: AsyncIterable<unknown>): void {
    const { clock, maxResultBytes: maxBytes, tooLarge, observer } = this.#ports;
    const isWanted = (): boolean => this.state === 'running';
    const told = (item: unknown): void => {
      if (typeof item === 'string') this.#context.progress(0, item);
    };
    const { result, stop } = collectItems(iterable, { clock, isWanted, maxBytes, tooLarge, told });
    this.#stopIterating = stop;
    result.then(observer.onValue, observer.onFault);
  }

  /** A foreign thenable may answer twice, throw late or resolve with itself: its first answer counts, as it is. */
  #adopt(thenable: unknown, then: Then): void {
    const { observer } = this.#ports;
    let isAnswered = false;
    const first =
      (tell: (value: unknown) => void) =>
      (value: unknown): void => {
        if (isAnswered) return;
        isAnswered = true;
        // A promise's own `then` answers once; one that was replaced might not.
        if (value instanceof Promise) promiseThen.call(value, tell, observer.onFault);
        else tell(value);
      };
    const onFault = first(observer.onFault);
    try {
      then.call(thenable, first(observer.onValue), onFault);
    } catch (cause) {
      onFault(cause);
    }
  }
}

type Then = (onValue: (value: unknown) => void, onFault: (cause: unknown) => void) => unknown;

const { then: promiseThen } = Promise.prototype;

/** Reads `then` once: a getter may answer differently the second time. */
function thenOf(value: unknown): Then | undefined {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined;
  const { then } = value as { then?: unknown };
  return typeof then === 'function' ? (then as Then) : undefined;
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

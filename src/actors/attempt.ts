import type { Clock, Log } from '../core/environment.js';
import { cancelled } from '../core/errors.js';
import type { ServiceContext, ServiceFunction } from '../core/service.js';
import { callGuarded } from './call-guarded.js';
import { collectItems } from './collect-items.js';
import type { Due } from './deadlines.js';
import type { TaskRecord } from './task-record.js';

/**
 * Owns: one try of a task on a service, and the boundary around the service's code. Talks to: its instance.
 *
 * Invariants
 * - I1 Whatever the service does (throws, rejects, answers twice, never answers, answers late), exactly one of
 *   `completed`, `failed`, `timedOut` is called, unless the attempt is given up first.
 * - I2 An attempt that was given up calls `ended` once its code ends, and nothing else.
 */

/** Who is told how an attempt went. */
export interface AttemptObserver {
  completed(attempt: Attempt, value: unknown): void;
  failed(attempt: Attempt, cause: unknown): void;
  timedOut(attempt: Attempt): void;
  /** The code of an attempt that was given up has ended. */
  ended(attempt: Attempt): void;
}

/** What an attempt needs from outside. */
export interface AttemptPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: AttemptObserver;
  readonly maxResultBytes: number;
  /** The error of a result that is larger than that. */
  readonly tooLarge: (items: readonly unknown[]) => Error;
}

/** One attempt. It is its own entry among the deadlines: due at its timeout. */
export class Attempt implements Due {
  readonly task: TaskRecord;
  readonly number: number;
  /** Period of the circuit in which it began. */
  readonly epoch: number;
  readonly dueMs: number;
  heapIndex = -1;
  readonly #ports: AttemptPorts;
  readonly #observer: AttemptObserver;
  readonly #context: AttemptContext;
  #state: 'running' | 'abandoned' | 'ended' = 'running';
  #stopIterating: (() => void) | undefined;

  /** @param epoch - Period of the circuit in which it begins. */
  constructor(task: TaskRecord, epoch: number, ports: AttemptPorts) {
    const nowMs = ports.clock.now();
    this.task = task;
    this.number = task.attempts;
    this.epoch = epoch;
    this.dueMs = nowMs + task.settings.timeoutMs;
    this.#ports = ports;
    this.#observer = ports.observer;
    this.#context = new AttemptContext(task, nowMs, ports.log, () => this.isRunning);
  }

  get isRunning(): boolean {
    return this.#state === 'running';
  }

  get isAbandoned(): boolean {
    return this.#state === 'abandoned';
  }

  /** Calls the service. User code runs here, under guard. */
  start(execute: ServiceFunction): void {
    try {
      const outcome = execute(this.task.text, this.#context);
      if (outcome instanceof Promise) outcome.then(this.#onValue, this.#onFault);
      else if (isAsyncIterable(outcome)) this.#collect(outcome);
      else {
        const then = thenOf(outcome);
        if (then === undefined) this.#onValue(outcome);
        else this.#adopt(outcome, then);
      }
    } catch (cause) {
      this.#onFault(cause);
    }
  }

  /** Gives the attempt up; its code may go on. The signal is fired by {@link abort}, after the state is right. */
  giveUp(): void {
    if (this.#state === 'running') this.#state = 'abandoned';
  }

  /** Fires the signal. Listeners of the service run here. */
  abort(reason: unknown): void {
    this.#context.abort(reason);
    this.#stopIterating?.();
  }

  /** Called by the deadlines at the timeout. */
  expire(): void {
    if (this.#state === 'running') this.#observer.timedOut(this);
  }

  readonly #onValue = (value: unknown): void => {
    if (this.#leave()) this.#observer.completed(this, value);
  };

  readonly #onFault = (cause: unknown): void => {
    if (this.#leave()) this.#observer.failed(this, cause);
  };

  /** Ends the attempt; true when its outcome still counts. */
  #leave(): boolean {
    const state = this.#state;
    this.#state = 'ended';
    if (state === 'abandoned') this.#observer.ended(this);
    return state === 'running';
  }

  #collect(iterable: AsyncIterable<unknown>): void {
    const { clock, maxResultBytes: maxBytes, tooLarge } = this.#ports;
    const isWanted = (): boolean => this.isRunning;
    const told = (item: unknown): void => {
      if (typeof item === 'string') this.#context.progress(0, item);
    };
    const { result, stop } = collectItems(iterable, { clock, isWanted, maxBytes, tooLarge, told });
    this.#stopIterating = stop;
    result.then(this.#onValue, this.#onFault);
  }

  /** A foreign thenable may answer twice, throw late or resolve with itself: its first answer counts, as it is. */
  #adopt(thenable: unknown, then: Then): void {
    let isAnswered = false;
    const first =
      (tell: (value: unknown) => void) =>
      (value: unknown): void => {
        if (isAnswered) return;
        isAnswered = true;
        if (value instanceof Promise) value.then(tell, this.#onFault);
        else tell(value);
      };
    const onFault = first(this.#onFault);
    try {
      then.call(thenable, first(this.#onValue), onFault);
    } catch (cause) {
      onFault(cause);
    }
  }
}

/** What the service sees of its attempt. */
class AttemptContext implements ServiceContext {
  readonly attempt: number;
  readonly taskId: string;
  readonly deadline: number | null;
  readonly idempotencyKey: string | null;
  readonly log: Log;
  readonly #task: TaskRecord;
  readonly #isRunning: () => boolean;
  #kwargs: Readonly<Record<string, unknown>> | undefined;
  #controller: AbortController | undefined;
  #abortReason: unknown;
  #isAborted = false;

  constructor(task: TaskRecord, nowMs: number, log: Log, isRunning: () => boolean) {
    const { deadlineMs, idempotencyKey } = task.settings;
    this.attempt = task.attempts;
    this.taskId = task.id;
    this.deadline = deadlineMs === null ? null : (task.acceptedAtMs + deadlineMs - nowMs) / 1000;
    this.idempotencyKey = idempotencyKey;
    this.log = log;
    this.#task = task;
    this.#isRunning = isRunning;
  }

  get kwargs(): Readonly<Record<string, unknown>> {
    // Cloned once per attempt: what one attempt changes, the next one does not see.
    this.#kwargs ??= this.#task.settings.kwargs === null ? {} : structuredClone(this.#task.settings.kwargs);
    return this.#kwargs;
  }

  get signal(): AbortSignal {
    // Made when first asked for: most services never do.
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#isAborted) this.#controller.abort(this.#abortReason);
    }
    return this.#controller.signal;
  }

  /** Made when asked for, so that services may take it out of the context. */
  get progress(): ServiceContext['progress'] {
    return (fraction, message) => this.#progress(fraction, message);
  }

  abort(reason: unknown): void {
    this.#isAborted = true;
    this.#abortReason = reason ?? cancelled(undefined);
    this.#controller?.abort(this.#abortReason);
  }

  #progress(fraction: number, message: string | undefined): void {
    const { onProgress } = this.#task.settings;
    if (onProgress === null || !this.#isRunning()) return;
    const onFault = (cause: unknown): void => {
      this.log.warn({ taskId: this.taskId, cause }, 'a progress listener threw');
    };
    callGuarded(() => onProgress(fraction, message), onFault);
  }
}

type Then = (onValue: (value: unknown) => void, onFault: (cause: unknown) => void) => unknown;

/** Reads `then` once: a getter may answer differently the second time. */
function thenOf(value: unknown): Then | undefined {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined;
  const { then } = value as { then?: unknown };
  return typeof then === 'function' ? (then as Then) : undefined;
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

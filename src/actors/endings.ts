import type { Clock } from '../core/environment.js';
import type { OrchestratorError } from '../core/errors.js';
import * as errors from '../core/errors.js';
import type { Attempt } from './attempt.js';
import type { CircuitWatch } from './circuit-watch.js';
import type { Dispatcher } from './dispatcher.js';
import type { Ledger } from './ledger.js';
import type { TaskRecord } from './task-record.js';

/**
 * Owns: nothing; ends tasks from outside their attempt: cancel, deadline, queue timeout, shutdown, defect. Talks to: the
 * instance that has the task, the dispatcher, the circuits, the ledger.
 */
export class Endings {
  readonly #clock: Clock;
  readonly #ledger: Ledger;
  readonly #circuits: CircuitWatch;
  readonly #dispatcher: () => Dispatcher;

  /** @param dispatcher - Asked for late: the dispatcher in turn ends tasks that must not start. */
  constructor(clock: Clock, ledger: Ledger, circuits: CircuitWatch, dispatcher: () => Dispatcher) {
    this.#clock = clock;
    this.#ledger = ledger;
    this.#circuits = circuits;
    this.#dispatcher = dispatcher;
  }

  cancel(task: TaskRecord, reason: unknown): void {
    this.end(task, 'cancelled', errors.cancelled(reason), reason);
  }

  failDeadline(task: TaskRecord): void {
    const seconds = (task.settings.deadlineMs ?? 0) / 1000;
    this.end(
      task,
      'timed_out',
      errors.deadlinePassed(task.crew?.name ?? task.route?.service ?? null, seconds),
    );
  }

  failQueue(task: TaskRecord): void {
    const waiting = (task.crew?.mailbox.size ?? 1) - 1;
    const seconds = (task.settings.queueTimeoutMs ?? 0) / 1000;
    this.end(task, 'timed_out', errors.queueTimedOut(task.crew?.name ?? null, seconds, waiting));
  }

  /** Ends a task that was taken out of its mailbox and must not start any more; false when it may. */
  endInstead(task: TaskRecord): boolean {
    if (task.cancelRequest !== null) this.cancel(task, task.cancelRequest.reason);
    else if (this.#ledger.isOverdue(task)) this.failDeadline(task);
    else return false;
    return true;
  }

  /** Takes an open task out of wherever it is and answers it; the signal of a running attempt fires last. */
  end(
    task: TaskRecord,
    status: 'cancelled' | 'timed_out' | 'failed',
    error: OrchestratorError,
    reason: unknown = error,
  ): void {
    if (task.state === 'settled') return;
    const { instance } = task;
    let attempt: Attempt | null = null;
    if (task.state === 'queued') task.crew?.mailbox.remove(task);
    // An instance that let go of the task has a report under way, which frees it.
    else if (instance?.task === task) {
      attempt = instance.abandon();
      if (attempt === null) {
        instance.forget();
        instance.actor?.send({ type: 'CANCEL_BACKOFF' });
        this.#dispatcher().free(instance);
      }
    } else if (task.state === 'assigned' && task.crew) {
      // Its probe, if it was one, ends without a verdict.
      task.crew.circuit.probeWithoutVerdict(task.crew.circuit.epoch, this.#clock.now());
    }
    this.#dispatcher().forgetDue(task);
    if (instance?.isHeld && task.state === 'busy') {
      this.#ledger.tellAttempt('abandoned', task, instance, task.attempts);
    }
    if (attempt && instance) this.#circuits.held(instance.crew);
    this.#ledger.fail(task, status, error);
    attempt?.abort(reason);
  }
}

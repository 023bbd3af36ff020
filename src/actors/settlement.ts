import type { Clock, Log } from '../core/environment.js';
import type { CircuitWatch } from './circuit-watch.js';
import type { Dispatcher } from './dispatcher.js';
import type { Ledger } from './ledger.js';
import type { Placement } from './placement.js';
import type { Report } from './report.js';
import type { Roster } from './roster.js';

/**
 * Owns: nothing; turns what instances report into states, answers and second chances. Talks to: the ledger, the
 * dispatcher (instances become free), placement (tasks that go on elsewhere), the circuits.
 */
export class Settlement {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #ledger: Ledger;
  readonly #roster: Roster;
  readonly #placement: Placement;
  readonly #circuits: CircuitWatch;
  readonly #dispatcher: Dispatcher;

  constructor(
    ports: { readonly clock: Clock; readonly log: Log },
    parts: {
      readonly ledger: Ledger;
      readonly roster: Roster;
      readonly placement: Placement;
      readonly circuits: CircuitWatch;
      readonly dispatcher: Dispatcher;
    },
  ) {
    this.#clock = ports.clock;
    this.#log = ports.log;
    this.#ledger = parts.ledger;
    this.#roster = parts.roster;
    this.#placement = parts.placement;
    this.#circuits = parts.circuits;
    this.#dispatcher = parts.dispatcher;
  }

  settle(reports: readonly Report[]): void {
    // "Down" is handled before results, or a task would be assigned to a service that just died.
    for (const report of reports) {
      if (report.kind === 'circuit') this.#circuits.changed(report.crew, report.state);
    }
    for (const report of reports) if (report.kind !== 'circuit') this.#onReport(report);
  }

  #onReport(report: Exclude<Report, { kind: 'circuit' }>): void {
    const { instance, task } = report;
    if (this.#roster.instances.get(instance.id) !== instance) return;
    // A late report is about an earlier attempt: the instance is freed, the task is not touched.
    const isPresent = task.state !== 'settled' && task.instance === instance;
    switch (report.kind) {
      case 'completed':
        this.#dispatcher.finish(instance);
        if (isPresent) this.#ledger.complete(task, report.value);
        return;
      case 'failed':
        if (report.instanceIs === 'finished') this.#dispatcher.finish(instance);
        else this.#dispatcher.free(instance);
        if (isPresent) this.#afterFailure(report);
        return;
      case 'timed_out':
        if (isPresent) this.#ledger.tellAttempt('abandoned', task, instance, report.attempt);
        this.#circuits.held(instance.crew);
        if (isPresent) this.#afterFailure(report);
        return;
      case 'ended':
        this.#ledger.totals.lateSettlements += 1;
        this.#circuits.noLongerHeld(instance.crew);
        this.#ledger.tellAttempt('ended', task, instance, report.attempt);
        this.#dispatcher.finish(instance);
        return;
      case 'backoff':
        if (isPresent) this.#ledger.backOff(task, report.delayMs, report.errorCode);
        return;
      case 'due':
        if (isPresent && task.state === 'retrying') this.#dispatcher.addDue(task, instance.crew);
        return;
      case 'returned':
        this.#dispatcher.free(instance);
        this.#dispatcher.forgetDue(task);
        if (isPresent) this.#placement.sendBack(task);
        return;
      case 'skipped':
        this.#dispatcher.withdrawn(instance.crew);
        this.#dispatcher.finish(instance);
        if (isPresent) this.#placement.unassign(task);
        return;
      case 'refused':
        // The circuit opened between assignment and start. The task keeps its place.
        this.#log.debug({ taskId: task.id, instance: instance.id }, 'an instance refused a task');
        if (instance.task === null) this.#dispatcher.free(instance);
        if (isPresent) this.#placement.unassign(task);
        return;
    }
  }

  #afterFailure({ task, failure, retryDelayMs }: Extract<Report, { kind: 'failed' | 'timed_out' }>): void {
    task.lastFailure = failure.error;
    if (task.crew) task.crew.lastError = failure.error.message;
    if (retryDelayMs === null) {
      const status = failure.error.code === 'TIMEOUT' ? 'timed_out' : 'failed';
      this.#ledger.fail(task, status, failure.error);
      return;
    }
    // Its instance is held or down: the task backs off by itself and then takes another instance.
    task.instance = null;
    this.#ledger.backOff(task, retryDelayMs, failure.error.code);
    if (retryDelayMs === 0) this.#placement.sendBack(task);
    else {
      const dueMs = this.#clock.now() + retryDelayMs;
      this.#ledger.addTimer(task, 'backoff', dueMs, () => this.#placement.sendBack(task));
    }
  }
}

import type { Log } from '../core/environment.js';

/** Most different faults that are told; what comes after them is most likely more of the same. */
const MAX_TOLD = 1000;

/** Warns once about each fault of a strategy, so that a broken one does not flood the log. Never throws. */
export class FaultLog {
  #log: Log | undefined;
  readonly #told = new Set<string>();

  /** @param log - Where it is told. Default: where {@link defaultTo} says. */
  constructor(log: Log | undefined) {
    this.#log = log;
  }

  /** Tells faults here from now on, unless there is a log already. */
  defaultTo(log: Log | undefined): void {
    this.#log ??= log;
  }

  /** @param key - What makes it the same fault. */
  warnOnce(key: string, facts: object, message: string): void {
    if (this.#log === undefined || this.#told.size >= MAX_TOLD || this.#told.has(key)) return;
    this.#told.add(key);
    try {
      this.#log.warn(facts, message);
    } catch {
      // A log that throws cannot be told about it, and routing goes on without it.
    }
  }
}

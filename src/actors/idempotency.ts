import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../core/environment.js';
import type { TaskResult } from '../core/result.js';

/** Finished keys that are remembered; the oldest goes first. */
const MOST_FINISHED = 10_000;
/** How long a finished key is remembered, in milliseconds. */
const KEPT_MS = 3_600_000;

interface Entry {
  readonly input: unknown;
  readonly listeners: Set<(result: TaskResult) => void>;
  result: TaskResult | null;
  finishedAtMs: number;
}

/** What a key means for a submission: nothing known, a task to join or replay, or another task's key. */
export type KeyMeaning = 'fresh' | 'joined' | 'conflict';

/**
 * Owns: which idempotency key belongs to which task. A live task is joined, a finished one replayed for an hour; one
 * without an attempt is forgotten at once, since nothing was done.
 */
export class IdempotencyKeys {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Claims a key for an input, or subscribes to the result of the task that has it already. */
  claim(key: string, input: unknown, listener: (result: TaskResult) => void): KeyMeaning {
    this.#forgetOld();
    const entry = this.#entries.get(key);
    if (entry === undefined) {
      this.#entries.set(key, { input, listeners: new Set(), result: null, finishedAtMs: 0 });
      return 'fresh';
    }
    if (!isDeepStrictEqual(entry.input, input)) return 'conflict';
    if (entry.result) listener(entry.result);
    else entry.listeners.add(listener);
    return 'joined';
  }

  /** The joiner no longer waits; false when it did not (any more). */
  leave(key: string, listener: (result: TaskResult) => void): boolean {
    return this.#entries.get(key)?.listeners.delete(listener) ?? false;
  }

  /** The task of a key is settled: everyone who joined is told. */
  settle(key: string, result: TaskResult): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    // Re-inserted, so that the map is in order of finishing.
    this.#entries.delete(key);
    if (result.attempts > 0) {
      entry.result = result;
      entry.finishedAtMs = this.#clock.now();
      this.#entries.set(key, entry);
    }
    for (const listener of entry.listeners) listener(result);
    entry.listeners.clear();
  }

  #forgetOld(): void {
    const nowMs = this.#clock.now();
    for (const [key, { result, finishedAtMs }] of this.#entries) {
      if (result === null) continue;
      if (this.#entries.size <= MOST_FINISHED && nowMs - finishedAtMs < KEPT_MS) return;
      this.#entries.delete(key);
    }
  }
}

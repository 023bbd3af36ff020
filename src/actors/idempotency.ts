import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../core/environment.js';
import type { TaskResult } from '../core/result.js';
import type { TaskRecord } from './task-record.js';

/** Finished keys that are remembered; the oldest goes first. */
const MOST_FINISHED = 10_000;
/** How long a finished key is remembered, in milliseconds. */
const KEPT_MS = 3_600_000;

interface Live {
  readonly input: unknown;
  /** The task that has the key; undefined while it is being made. */
  task: TaskRecord | undefined;
  readonly listeners: Set<(result: TaskResult) => void>;
}

interface Finished {
  readonly input: unknown;
  readonly result: TaskResult;
  readonly finishedAtMs: number;
}

/** What a key means for a submission: nothing known, a live task, a finished one, or another task's key. */
export type KeyMeaning = 'fresh' | 'joined' | 'replayed' | 'conflict';

/**
 * Owns: which idempotency key belongs to which task. A live task is joined, a finished one replayed for an hour; one
 * without an attempt is forgotten at once, since nothing was done.
 */
export class IdempotencyKeys {
  readonly #clock: Clock;
  readonly #live = new Map<string, Live>();
  /** In order of finishing. */
  readonly #finished = new Map<string, Finished>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Claims a key for an input, or subscribes to the result of the task that has it already. */
  claim(key: string, input: unknown, listener: (result: TaskResult) => void): KeyMeaning {
    this.#forgetOld();
    const live = this.#live.get(key);
    const finished = this.#finished.get(key);
    const known = live ?? finished;
    if (known === undefined) {
      this.#live.set(key, { input, task: undefined, listeners: new Set() });
      return 'fresh';
    }
    if (!isDeepStrictEqual(known.input, input)) return 'conflict';
    if (finished) {
      listener(finished.result);
      return 'replayed';
    }
    live?.listeners.add(listener);
    return 'joined';
  }

  /** The key belongs to a task of an earlier process that has not ended, or is tried again; false when a live one has it. */
  reclaim(key: string, input: unknown): boolean {
    if (this.#live.has(key)) return false;
    this.#finished.delete(key);
    this.#live.set(key, { input, task: undefined, listeners: new Set() });
    return true;
  }

  /** The task that has a key it claimed. */
  setTask(key: string, task: TaskRecord): void {
    const live = this.#live.get(key);
    if (live) live.task = task;
  }

  /** The live task of a key. */
  taskOf(key: string): TaskRecord | undefined {
    return this.#live.get(key)?.task;
  }

  /** The key belongs to a task of an earlier process that ended `ageMs` ago. */
  remember(key: string, input: unknown, result: TaskResult, ageMs: number): void {
    if (result.attempts > 0)
      this.#finished.set(key, { input, result, finishedAtMs: this.#clock.now() - ageMs });
  }

  /** The joiner no longer waits; false when it did not (any more). */
  leave(key: string, listener: (result: TaskResult) => void): boolean {
    return this.#live.get(key)?.listeners.delete(listener) ?? false;
  }

  /** The task of a key is settled: everyone who joined is told. */
  settle(key: string, result: TaskResult): void {
    const live = this.#live.get(key);
    if (live === undefined) return;
    this.#live.delete(key);
    if (result.attempts > 0) {
      this.#finished.set(key, { input: live.input, result, finishedAtMs: this.#clock.now() });
    }
    for (const listener of live.listeners) listener(result);
  }

  #forgetOld(): void {
    const nowMs = this.#clock.now();
    for (const [key, { finishedAtMs }] of this.#finished) {
      if (this.#finished.size <= MOST_FINISHED && nowMs - finishedAtMs < KEPT_MS) return;
      this.#finished.delete(key);
    }
  }
}

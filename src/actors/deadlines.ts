import type { Clock } from '../core/environment.js';

/**
 * Owns: everything that happens at a time of its own (attempt timeouts, queue timeouts, deadlines, probes) behind one
 * timer of the clock. Talks to: the clock, and `onDue` when something is due.
 *
 * Invariants
 * - L1 A binary heap by due time; each entry knows its position, so that it is removed in O(log n).
 * - L2 A timer is armed exactly while there are entries, never later than the earliest of them; `rest()` drops it.
 */

/** Something that is due at a time. `heapIndex` belongs to the queue: -1 while it is not in there. */
export interface Due {
  dueMs: number;
  heapIndex: number;
  /** Called once at or after `dueMs`. */
  expire(nowMs: number): void;
}

/** A queue of things that are due, ordered by time. */
export class Deadlines {
  readonly #clock: Clock;
  readonly #onDue: () => void;
  readonly #heap: Due[] = [];
  #timer: unknown;
  #armedForMs = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, onDue: () => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  get size(): number {
    return this.#heap.length;
  }

  add(entry: Due): void {
    this.#heap.push(entry);
    this.#rise(this.#heap.length - 1, entry);
    if (entry.dueMs < this.#armedForMs) this.#arm(entry.dueMs);
  }

  /** Removes an entry; does nothing when it is not waiting. */
  remove(entry: Due): void {
    const { heapIndex } = entry;
    if (heapIndex < 0) return;
    entry.heapIndex = -1;
    const last = this.#heap.pop();
    if (last === undefined || last === entry) return;
    this.#sink(heapIndex, last);
    this.#rise(last.heapIndex, last);
  }

  /** Expires everything due and arms the timer for the next. */
  expire(): void {
    const nowMs = this.#clock.now();
    for (let first = this.#heap[0]; first !== undefined && first.dueMs <= nowMs; first = this.#heap[0]) {
      this.remove(first);
      first.expire(nowMs);
    }
    const next = this.#heap[0];
    if (next === undefined) this.#disarm();
    else this.#arm(next.dueMs);
  }

  /** Forgets everything that waits. */
  clear(): void {
    for (const entry of this.#heap.splice(0)) entry.heapIndex = -1;
    this.#disarm();
  }

  /** Drops the timer when nothing waits, so that an idle process can end. */
  rest(): void {
    if (this.#heap.length === 0) this.#disarm();
  }

  #arm(dueMs: number): void {
    this.#disarm();
    // A limit of more seconds than a number has milliseconds never comes.
    if (dueMs === Number.POSITIVE_INFINITY) return;
    this.#timer = this.#clock.setTimeout(this.#onDue, Math.max(0, dueMs - this.#clock.now()));
    this.#armedForMs = dueMs;
  }

  #disarm(): void {
    if (this.#armedForMs === Number.POSITIVE_INFINITY) return;
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#armedForMs = Number.POSITIVE_INFINITY;
  }

  #rise(from: number, entry: Due): void {
    let index = from;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = this.#heap[above] as Due;
      if (parent.dueMs <= entry.dueMs) break;
      this.#heap[index] = parent;
      parent.heapIndex = index;
      index = above;
    }
    this.#heap[index] = entry;
    entry.heapIndex = index;
  }

  #sink(from: number, entry: Due): void {
    const size = this.#heap.length;
    let index = from;
    for (;;) {
      let below = 2 * index + 1;
      if (below >= size) break;
      const right = below + 1;
      if (right < size && (this.#heap[right] as Due).dueMs < (this.#heap[below] as Due).dueMs) below = right;
      const child = this.#heap[below] as Due;
      if (child.dueMs >= entry.dueMs) break;
      this.#heap[index] = child;
      child.heapIndex = index;
      index = below;
    }
    this.#heap[index] = entry;
    entry.heapIndex = index;
  }
}

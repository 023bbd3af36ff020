import type { TaskRecord } from './task-record.js';

/**
 * Owns: the waiting tasks of one service, by reference. Talks to nobody.
 *
 * Invariants
 * - I6 Higher priority first; first in, first out within a priority. Tasks that come back go before all others.
 * - L1 `size` never exceeds the capacity through `put`; a task that was accepted once may always come back.
 * - L2 Taking the next one costs O(1), adding and removing O(log(priorities in use)) and, for a priority that comes into use or
 *   goes out of it, a shift of those above it.
 */

/** Priority of tasks that come back (a retry that changed its instance, an assignment undone). */
const RETURNED = Number.POSITIVE_INFINITY;

interface Lane {
  readonly priority: number;
  first: TaskRecord | null;
  last: TaskRecord | null;
}

/** A bounded queue with priorities. */
export class Mailbox {
  readonly #capacity: number;
  /** Highest priority last, where it is taken at no cost. */
  readonly #lanes: Lane[] = [];
  #size = 0;

  /** @param capacity - Most waiting tasks, 1 or more, or `Infinity`. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#size;
  }

  get isFull(): boolean {
    return this.#size >= this.#capacity;
  }

  /** Priority of the task that is next; `-Infinity` when none waits. */
  get headPriority(): number {
    return this.#lanes.at(-1)?.priority ?? Number.NEGATIVE_INFINITY;
  }

  put(task: TaskRecord): void {
    this.#append(task, task.priority);
  }

  /** Puts a task back before all that wait; it never counts as too many. */
  putBack(task: TaskRecord): void {
    this.#append(task, RETURNED);
  }

  /** Takes the next task, or undefined. */
  take(): TaskRecord | undefined {
    const task = this.#lanes.at(-1)?.first ?? undefined;
    if (task !== undefined) this.#unlink(task, this.#lanes.length - 1);
    return task;
  }

  /** Takes a waiting task out, wherever it stands. */
  remove(task: TaskRecord): void {
    if (task.lane !== null) this.#unlink(task, this.#indexOf(task.lane));
  }

  /** Gives a waiting task another priority; it goes behind those that have it already. */
  reprioritise(task: TaskRecord, priority: number): void {
    this.remove(task);
    task.priority = priority;
    this.put(task);
  }

  /** Waiting tasks in the order in which they would be taken. */
  *[Symbol.iterator](): Iterator<TaskRecord> {
    for (const lane of this.#lanes.toReversed()) {
      for (let task = lane.first; task !== null; task = task.next) yield task;
    }
  }

  toJSON(): object {
    return { size: this.#size };
  }

  #unlink(task: TaskRecord, laneIndex: number): void {
    const lane = this.#lanes[laneIndex] as Lane;
    if (task.previous) task.previous.next = task.next;
    else lane.first = task.next;
    if (task.next) task.next.previous = task.previous;
    else lane.last = task.previous;
    task.previous = null;
    task.next = null;
    task.lane = null;
    this.#size -= 1;
    if (lane.first === null) this.#lanes.splice(laneIndex, 1);
  }

  #append(task: TaskRecord, priority: number): void {
    const lane = this.#laneOf(priority);
    task.lane = priority;
    task.previous = lane.last;
    if (lane.last) lane.last.next = task;
    else lane.first = task;
    lane.last = task;
    this.#size += 1;
  }

  #laneOf(priority: number): Lane {
    const index = this.#indexOf(priority);
    const found = this.#lanes[index];
    if (found?.priority === priority) return found;
    const lane: Lane = { priority, first: null, last: null };
    this.#lanes.splice(index, 0, lane);
    return lane;
  }

  /** Where the lane of a priority is, or would be. */
  #indexOf(priority: number): number {
    let low = 0;
    let high = this.#lanes.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#lanes[middle] as Lane).priority < priority) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

import type { TaskRecord } from './task-record.js';
import { WaitingPriorities } from './waiting-priorities.js';

/**
 * Owns: the waiting tasks of one service, by reference. Talks to: the priorities of all mailboxes.
 *
 * Invariants
 * - I1 Higher priority first; first in, first out within a priority. Tasks that come back go before all others.
 * - I2 `size` never exceeds the capacity through `put`; a task that was accepted once may always come back.
 * - I3 Adding, taking and removing cost O(number of priorities in use), whatever waits.
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
  /** Highest priority first. */
  readonly #lanes: Lane[] = [];
  readonly #priorities: WaitingPriorities;
  #size = 0;

  /**
   * @param capacity - Most waiting tasks, 1 or more, or `Infinity`.
   * @param priorities - Shared with the mailboxes that have the same parallel slots.
   */
  constructor(capacity: number, priorities: WaitingPriorities = new WaitingPriorities()) {
    this.#capacity = capacity;
    this.#priorities = priorities;
  }

  get size(): number {
    return this.#size;
  }

  get isFull(): boolean {
    return this.#size >= this.#capacity;
  }

  /** Priority of the task that is next; `-Infinity` when none waits. */
  get headPriority(): number {
    return this.#lanes[0]?.priority ?? Number.NEGATIVE_INFINITY;
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
    const task = this.#lanes[0]?.first ?? undefined;
    if (task !== undefined) this.#unlink(task, 0);
    return task;
  }

  /** Takes a waiting task out, wherever it stands. */
  remove(task: TaskRecord): void {
    const index = this.#lanes.findIndex(({ priority }) => priority === task.lane);
    if (index >= 0) this.#unlink(task, index);
  }

  /** Gives a waiting task another priority; it goes behind those that have it already. */
  reprioritise(task: TaskRecord, priority: number): void {
    this.remove(task);
    task.priority = priority;
    this.put(task);
  }

  /** Waiting tasks in the order in which they would be taken. */
  *[Symbol.iterator](): Iterator<TaskRecord> {
    for (const lane of this.#lanes) {
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
    if (lane.first !== null) return;
    this.#lanes.splice(laneIndex, 1);
    this.#priorities.closed(lane.priority);
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
    let low = 0;
    let high = this.#lanes.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#lanes[middle] as Lane).priority > priority) low = middle + 1;
      else high = middle;
    }
    const found = this.#lanes[low];
    if (found?.priority === priority) return found;
    const lane: Lane = { priority, first: null, last: null };
    this.#lanes.splice(low, 0, lane);
    this.#priorities.opened(priority);
    return lane;
  }
}

/**
 * Owns: which priorities have waiting tasks, over all mailboxes. Talks to nobody; the mailboxes write here whenever a lane
 * opens or closes, so that the highest is known without a look into each.
 */
export class WaitingPriorities {
  readonly #lanes = new Map<number, number>();
  #highest = Number.NEGATIVE_INFINITY;

  /** Highest priority of all that wait; `-Infinity` when nothing does. */
  get highest(): number {
    return this.#highest;
  }

  /** A mailbox has its first task of this priority. */
  opened(priority: number): void {
    this.#lanes.set(priority, (this.#lanes.get(priority) ?? 0) + 1);
    if (priority > this.#highest) this.#highest = priority;
  }

  /** A mailbox has no task of this priority any more. */
  closed(priority: number): void {
    const left = (this.#lanes.get(priority) ?? 0) - 1;
    if (left > 0) {
      this.#lanes.set(priority, left);
      return;
    }
    this.#lanes.delete(priority);
    if (priority === this.#highest) {
      this.#highest = Math.max(Number.NEGATIVE_INFINITY, ...this.#lanes.keys());
    }
  }
}

/** Promises that resolve as soon as a condition of the queue holds, whatever made it true. */
export class Waiters {
  #waiting: { readonly rank: number; readonly holds: () => boolean; readonly resolve: () => void }[] = [];

  /**
   * Resolves at once when the condition holds already.
   *
   * @param rank - Of those that become true by the same change, the lowest rank resolves first.
   */
  when(holds: () => boolean, rank = 0): Promise<void> {
    if (holds()) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push({ rank, holds, resolve });
    });
  }

  /** Resolves those whose condition holds, by rank and then in the order in which they began to wait. */
  check(): void {
    if (this.#waiting.length === 0) return;
    const ready = new Set(this.#waiting.filter(({ holds }) => holds()));
    if (ready.size === 0) return;
    this.#waiting = this.#waiting.filter((waiter) => !ready.has(waiter));
    for (const { resolve } of [...ready].sort((a, b) => a.rank - b.rank)) resolve();
  }
}

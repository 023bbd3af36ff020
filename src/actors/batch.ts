const MICROTASK = Promise.resolve();

/** Collects items and hands all of one microtask over at once, so that many calls cost one event. */
export class Batch<T> {
  readonly #flush: (items: readonly T[]) => void;
  #items: T[] = [];

  constructor(flush: (items: readonly T[]) => void) {
    this.#flush = flush;
  }

  /** Items that are collected and not handed over yet. */
  get items(): readonly T[] {
    return this.#items;
  }

  post(item: T): void {
    if (this.#items.length > 0) {
      this.#items.push(item);
      return;
    }
    // Many batches hold one item: pushed onto an empty array it would take the room of seventeen.
    this.#items = [item];
    // A promise's reaction is a microtask too, at a third of the cost of queueMicrotask().
    void MICROTASK.then(this.#flushAll);
  }

  readonly #flushAll = (): void => this.flush();

  /** Hands over what there is at once. */
  flush(): void {
    const items = this.take();
    if (items.length > 0) this.#flush(items);
  }

  /** What there is, which is then not handed over. */
  take(): readonly T[] {
    const items = this.#items;
    this.#items = [];
    return items;
  }
}

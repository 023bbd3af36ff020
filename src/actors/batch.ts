/** Collects items and hands all of one microtask over at once, so that many calls cost one event. */
export class Batch<T> {
  readonly #flush: (items: readonly T[]) => void;
  #items: T[] = [];

  constructor(flush: (items: readonly T[]) => void) {
    this.#flush = flush;
  }

  /** Items that are collected and not handed over yet. */
  get size(): number {
    return this.#items.length;
  }

  post(item: T): void {
    if (this.#items.push(item) === 1) queueMicrotask(() => this.flush());
  }

  /** Hands over what there is at once. */
  flush(): void {
    const items = this.#items;
    if (items.length === 0) return;
    this.#items = [];
    this.#flush(items);
  }
}

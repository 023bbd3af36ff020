import type { RuntimeEvent } from '../core/events.js';

/** What a bounded log holds: the latest events, oldest first, and how many fell out before them. */
export interface RecentEvents {
  readonly events: readonly RuntimeEvent[];
  readonly dropped: number;
}

/** Owns: the latest facts, in a ring. What falls out is counted. */
export class EventLog {
  readonly #capacity: number;
  readonly #ring: RuntimeEvent[] = [];
  #count = 0;

  /** @param capacity - Most events kept, 1 or more. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  add(event: RuntimeEvent): void {
    this.#ring[this.#count % this.#capacity] = event;
    this.#count += 1;
  }

  recent(): RecentEvents {
    const dropped = Math.max(0, this.#count - this.#capacity);
    const oldest = dropped === 0 ? 0 : this.#count % this.#capacity;
    return { events: [...this.#ring.slice(oldest), ...this.#ring.slice(0, oldest)], dropped };
  }
}

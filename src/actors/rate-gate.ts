import type { Clock } from '../core/environment.js';
import { type RateLimit, RateLimiter } from '../core/rate-limiter.js';
import type { Crew } from './crew.js';
import type { Deadlines, Due } from './deadlines.js';
import type { Roster } from './roster.js';

/**
 * Owns: the overall rate limit, and the one timer that wakes the supervisor when a rate window has room again. Talks
 * to: the deadlines.
 *
 * Invariant: a timer waits exactly while a task waits for a window and for nothing else.
 */
export class RateGate {
  readonly #clock: Clock;
  readonly #deadlines: Deadlines;
  readonly #overall: RateLimiter | null;
  // Expiring it does nothing by itself: the tick that did it dispatches.
  readonly #wake: Due & { dueMs: number } = { dueMs: 0, heapIndex: -1, expire: () => {} };
  #isLimited = false;

  constructor(limit: RateLimit | undefined, clock: Clock, deadlines: Deadlines) {
    this.#clock = clock;
    this.#deadlines = deadlines;
    this.#overall = limit === undefined ? null : new RateLimiter(limit);
  }

  /** A task waits for a rate window. */
  get isLimited(): boolean {
    return this.#isLimited;
  }

  /** Whether the overall limit lets another attempt start now. */
  allows(running: number): boolean {
    if (this.#overall === null) return true;
    const nowMs = this.#clock.now();
    return this.#overall.nextStartMs(nowMs, running) <= nowMs;
  }

  started(crew: Crew, running: number): void {
    this.#overall?.started(this.#clock.now(), running);
    crew.rate?.started(this.#clock.now(), crew.running);
  }

  /** A task that was counted did not start after all: its place is free again. */
  withdrawn(crew: Crew): void {
    this.#overall?.withdrawn();
    crew.rate?.withdrawn();
  }

  /** Looks who waits for a window, and arms the timer for the first that has room. Tells whether that changed. */
  review(roster: Pick<Roster, 'all' | 'rateLimited'>, running: number): boolean {
    const crews = this.#overall === null ? roster.rateLimited : roster.all;
    const opensAtMs = this.#opensAtMs(crews, running);
    if (opensAtMs !== this.#wake.dueMs || this.#wake.heapIndex < 0) {
      this.#deadlines.remove(this.#wake);
      this.#wake.dueMs = opensAtMs;
      if (opensAtMs !== Number.POSITIVE_INFINITY) this.#deadlines.add(this.#wake);
    }
    const wasLimited = this.#isLimited;
    this.#isLimited = opensAtMs !== Number.POSITIVE_INFINITY;
    return this.#isLimited !== wasLimited;
  }

  #opensAtMs(crews: readonly Crew[], running: number): number {
    let opensAtMs = Number.POSITIVE_INFINITY;
    if (crews.length === 0) return opensAtMs;
    const nowMs = this.#clock.now();
    const overallMs = this.#overall?.nextStartMs(nowMs, running) ?? nowMs;
    for (const crew of crews) {
      if (crew.mailbox.size === 0 && crew.due === 0) continue;
      const ownMs = crew.rate?.nextStartMs(nowMs, crew.running) ?? nowMs;
      const nextMs = Math.max(overallMs, ownMs);
      if (nextMs > nowMs) opensAtMs = Math.min(opensAtMs, nextMs);
    }
    return opensAtMs;
  }
}

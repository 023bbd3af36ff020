/**
 * Owns: how often the threads or processes of one service crashed lately, and when another may be started. Talks to
 * nobody; time comes in with each call.
 */
import { backoffMs } from '../../core/backoff.js';

/** Restarts within the window that are fine; one more and the service counts as failed. */
const MOST_RESTARTS = 5;
const WINDOW_MS = 60_000;
const BACKOFF = { baseMs: 50, capMs: 5000 };

export class RestartIntensity {
  /** Oldest first; only those that a decision can need. */
  readonly #crashesMs: number[] = [];

  crashed(nowMs: number): void {
    this.#crashesMs.push(nowMs);
    if (this.#crashesMs.length > MOST_RESTARTS + 1) this.#crashesMs.shift();
  }

  /** Milliseconds until the service is no longer failed; 0 or less when it is not. */
  failedForMs(nowMs: number): number {
    const [oldestMs] = this.#crashesMs;
    if (oldestMs === undefined || this.#crashesMs.length <= MOST_RESTARTS) return 0;
    return oldestMs + WINDOW_MS - nowMs;
  }

  /** Milliseconds until a start makes sense, doubling with each recent crash; 0 or less: at once. */
  waitMs(nowMs: number): number {
    const lastMs = this.#crashesMs.at(-1);
    const recent = this.#crashesMs.filter((crashMs) => nowMs - crashMs < WINDOW_MS).length;
    if (lastMs === undefined || recent === 0) return 0;
    // The upper bound of the backoff: nobody else starts at the same time, so there is nothing to spread.
    return lastMs + backoffMs(BACKOFF, recent - 1, () => 1) - nowMs;
  }
}

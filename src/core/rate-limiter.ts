import * as z from 'zod';
import { lazySchema } from './lazy-schema.js';
import { wholeLimit } from './limit-schema.js';

/** How many attempts may start in a time. */
export const rateLimitSchema = lazySchema(() =>
  z
    .strictObject({
      limit: wholeLimit().describe('Most starts per interval, 1 or more, or Infinity.'),
      intervalSeconds: z.number().min(0).describe('Length of the interval, in seconds; 0 for no limit.'),
      window: z
        .enum(['fixed', 'sliding'])
        .default('sliding')
        .describe(
          'fixed: intervals one after another; sliding: strictly within any interval, no burst across an edge.',
        ),
      carryOver: z
        .boolean()
        .default(false)
        .describe('fixed only: attempts that still run when an interval begins count as its starts.'),
    })
    .refine(
      ({ window, limit, intervalSeconds }) =>
        window === 'fixed' || (Number.isFinite(limit) && intervalSeconds > 0),
      { error: 'a sliding window needs a finite limit and an interval above 0' },
    ),
);

export type RateLimit = z.output<typeof rateLimitSchema>;
export type RateLimitInput = z.input<typeof rateLimitSchema>;

/**
 * Counts starts against a rate limit. Time comes in with each call; nothing is forgotten while nothing happens.
 *
 * Invariant: with a sliding window, any stretch of `intervalSeconds` holds at most `limit` starts.
 */
export class RateLimiter {
  readonly #limit: number;
  readonly #intervalMs: number;
  readonly #isSliding: boolean;
  readonly #carriesOver: boolean;
  /** Sliding: the last `limit` starts, oldest at `#oldest`. */
  readonly #starts: number[] = [];
  #oldest = 0;
  #windowStartMs = Number.NEGATIVE_INFINITY;
  #inWindow = 0;

  constructor({ limit, intervalSeconds, window, carryOver }: RateLimit) {
    this.#limit = limit;
    this.#intervalMs = intervalSeconds * 1000;
    this.#isSliding = window === 'sliding';
    this.#carriesOver = carryOver;
  }

  /** When the next attempt may start: `nowMs` or later. `running` is needed for `carryOver`. */
  nextStartMs(nowMs: number, running: number): number {
    if (this.#intervalMs === 0) return nowMs;
    if (this.#isSliding) {
      if (this.#starts.length < this.#limit) return nowMs;
      return Math.max(nowMs, (this.#starts[this.#oldest] as number) + this.#intervalMs);
    }
    const endMs = this.#windowStartMs + this.#intervalMs;
    if (nowMs < endMs) return this.#inWindow < this.#limit ? nowMs : endMs;
    if (!this.#carriesOver || running < this.#limit) return nowMs;
    return this.#nextEdgeMs(nowMs) + this.#intervalMs;
  }

  /** An attempt starts. Call only at or after {@link nextStartMs}. */
  started(nowMs: number, running: number): void {
    if (this.#intervalMs === 0) return;
    if (this.#isSliding) {
      if (this.#starts.length < this.#limit) this.#starts.push(nowMs);
      else {
        this.#starts[this.#oldest] = nowMs;
        this.#oldest = (this.#oldest + 1) % this.#limit;
      }
      return;
    }
    if (nowMs >= this.#windowStartMs + this.#intervalMs) {
      this.#windowStartMs = this.#nextEdgeMs(nowMs);
      this.#inWindow = this.#carriesOver ? running : 0;
    }
    this.#inWindow += 1;
  }

  /** The last start did not happen after all. */
  withdrawn(): void {
    if (this.#intervalMs === 0) return;
    this.#inWindow = Math.max(0, this.#inWindow - 1);
    if (this.#starts.length < this.#limit) this.#starts.pop();
    else {
      // The newest one's place becomes the oldest's, free since ever.
      this.#oldest = (this.#oldest + this.#limit - 1) % this.#limit;
      this.#starts[this.#oldest] = Number.NEGATIVE_INFINITY;
    }
  }

  /** Begin of the window that holds `nowMs`; the first start after a long rest begins a window of its own. */
  #nextEdgeMs(nowMs: number): number {
    const sinceMs = nowMs - this.#windowStartMs;
    if (sinceMs >= 2 * this.#intervalMs) return nowMs;
    return this.#windowStartMs + this.#intervalMs;
  }
}

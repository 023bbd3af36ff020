/** Bounds of a backoff, in milliseconds. */
export interface BackoffPolicy {
  readonly baseMs: number;
  readonly capMs: number;
}

/**
 * Full-jitter exponential backoff: uniform in [0, min(capMs, baseMs * 2^retry)). The formula is "full jitter" of
 * Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 *
 * @param retry - Zero-based count of retries already made.
 * @param random - Source of uniform numbers in [0, 1).
 * @returns Delay in whole milliseconds.
 */
export function backoffMs(policy: BackoffPolicy, retry: number, random: () => number): number {
  // The exponent is clamped: 0 * Infinity would be NaN.
  const ceiling = Math.min(policy.capMs, policy.baseMs * 2 ** Math.min(retry, 30));
  return Math.floor(random() * ceiling);
}

import { systemClock } from '../core/clock.js';
import type { Clock } from '../core/environment.js';

/**
 * Waits for something that may never come: until it is there, and at most so long. Leaves no timer behind.
 *
 * @param delayMs - Milliseconds, 0 or more.
 */
export async function waitAtMost(
  delayMs: number,
  awaited: Promise<unknown>,
  clock: Clock = systemClock,
): Promise<void> {
  let timer: unknown;
  const patience = new Promise<void>((resolve) => {
    timer = clock.setTimeout(resolve, delayMs);
  });
  try {
    await Promise.race([awaited, patience]);
  } finally {
    clock.clearTimeout(timer);
  }
}

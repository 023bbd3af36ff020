import type { Clock, Environment } from './environment.js';

/** Longest delay a Node timer keeps, in milliseconds; a longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * The real clock: monotonic, so a jump of the wall clock moves nothing. Delays are clamped to {@link MAX_TIMER_MS} and
 * rounded up: Node cuts fractions off, and a timer that fires a fraction early would only be armed again.
 */
export const systemClock: Clock = {
  now: () => performance.now(),
  setTimeout: (callback, delayMs) => setTimeout(callback, Math.min(Math.ceil(delayMs), MAX_TIMER_MS)),
  clearTimeout: (id) => clearTimeout(id as NodeJS.Timeout),
};

/**
 * The real environment. Task ids are a random prefix per orchestrator and a running number, both in base 36: short enough
 * that a million of them are plain strings, which take half the memory of two that are chained.
 */
export function systemEnvironment(): Environment {
  const random = Number.parseInt(crypto.randomUUID().slice(0, 8), 16);
  const prefix = `${random.toString(36).padStart(7, '0')}-`;
  let count = 0;
  return { clock: systemClock, random: Math.random, createId: () => prefix + (++count).toString(36) };
}

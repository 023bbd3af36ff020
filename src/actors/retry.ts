import type { Failure } from '../core/failure.js';

/** Retries in flight that are always allowed, whatever the load. */
const LEAST_RETRIES = 3;

/** What decides whether a failed attempt is followed by another one. */
export interface RetryQuestion {
  readonly failure: Failure;
  /** Whether the service may safely repeat work that broke down half-way. */
  readonly idempotent: boolean;
  readonly attempts: number;
  readonly maxRetries: number;
  /** Milliseconds until the next attempt would start. */
  readonly delayMs: number;
  /** Milliseconds left of the task's deadline, or null. */
  readonly leftMs: number | null;
  /** Tasks of the service beyond their first attempt, without this one. */
  readonly retriesInFlight: number;
  /** Tasks of the service that are accepted and not settled. */
  readonly tasksInFlight: number;
  /** Share of the tasks in flight that may be retries, 0 to 1. */
  readonly retryBudgetRatio: number;
  /** Longest wait that a service may ask for, in milliseconds. */
  readonly retryAfterCapMs: number;
}

/**
 * Whether another attempt follows: the failure is retryable, attempts are left, the next one would start before the
 * deadline and within the cap of Retry-After, and the retry budget allows it.
 */
export function mayRetry(question: RetryQuestion): boolean {
  const { failure, attempts, maxRetries, delayMs, leftMs } = question;
  if (!failure.retryable || attempts > maxRetries) return false;
  const { code, isRepeatSafe } = failure.error;
  if (code === 'CRASHED' && !question.idempotent && !isRepeatSafe) return false;
  // To try earlier would be refused again, and to wait for a day is no answer.
  if ((failure.retryAfterMs ?? 0) > question.retryAfterCapMs) return false;
  if (leftMs !== null && delayMs >= leftMs) return false;
  const budget = Math.max(LEAST_RETRIES, question.retryBudgetRatio * question.tasksInFlight);
  return question.retriesInFlight < budget;
}

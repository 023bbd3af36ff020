import type { Clock } from '../core/environment.js';
import { misuse } from '../core/errors.js';
import type { RoutingStrategy } from '../core/route.js';

/** What came of a call of user code. */
export type Answer =
  | { readonly kind: 'answer'; readonly value: unknown }
  | { readonly kind: 'fault'; readonly cause: unknown };

/** How long a thenable may take. */
export interface TimeLimit {
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Called when the time is over; returns the cause of the fault. */
  readonly onTimeout: () => unknown;
  /** What waits; calling one of these ends its time at once. */
  readonly waiting?: Set<() => void>;
}

/**
 * Calls user code and waits for a thenable, if it answers with one. Total: never throws, never rejects, and with a limit
 * never hangs. Answers at once unless the code is asynchronous.
 *
 * Thenables are not adopted with `await`: one that resolves with itself would keep the event loop busy for ever. What a
 * thenable delivers is taken as it is, the first time.
 */
export function answerOf(call: () => unknown, limit?: TimeLimit): Answer | Promise<Answer> {
  try {
    const value = call();
    const then = thenOf(value);
    return then === undefined ? { kind: 'answer', value } : settlementOf(value, then, limit);
  } catch (cause) {
    return { kind: 'fault', cause };
  }
}

/** A strategy's name; `custom` for one without. */
export function nameOf(strategy: RoutingStrategy): string {
  try {
    return typeof strategy.name === 'string' && strategy.name !== '' ? strategy.name : 'custom';
  } catch {
    // A name that throws is as good as none.
    return 'custom';
  }
}

/** Checks what a user passes as a strategy. @throws TypeError when it has no `route` method. */
export function assertStrategy(value: unknown): asserts value is RoutingStrategy {
  const isObject = typeof value === 'object' && value !== null;
  if (isObject && 'route' in value && typeof value.route === 'function') return;
  throw misuse('A routing strategy must be an object with a route() method, such as new KeywordStrategy().');
}

type Then = (onValue: (value: unknown) => void, onFault: (cause: unknown) => void) => unknown;

/** Reads `then` once: a getter may answer differently the second time. */
function thenOf(value: unknown): Then | undefined {
  if (Array.isArray(value) || value === null) return undefined;
  if (typeof value !== 'object' && typeof value !== 'function') return undefined;
  const { then } = value as { then?: unknown };
  return typeof then === 'function' ? (then as Then) : undefined;
}

function settlementOf(thenable: unknown, then: Then, limit: TimeLimit | undefined): Promise<Answer> {
  return new Promise((resolve) => {
    let isSettled = false;
    let timer: unknown;
    const settle = (answer: () => Answer) => {
      if (isSettled) return;
      isSettled = true;
      if (limit !== undefined) limit.clock.clearTimeout(timer);
      limit?.waiting?.delete(expire);
      resolve(answer());
    };
    const fail = (cause: unknown) => settle(() => ({ kind: 'fault', cause }));
    const expire = () => settle(() => ({ kind: 'fault', cause: limit?.onTimeout() }));
    if (limit !== undefined) {
      timer = limit.clock.setTimeout(expire, limit.timeoutMs);
      limit.waiting?.add(expire);
    }
    try {
      then.call(thenable, (value) => settle(() => ({ kind: 'answer', value })), fail);
    } catch (cause) {
      fail(cause);
    }
  });
}

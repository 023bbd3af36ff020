import type { Clock } from '../core/environment.js';
import { misuse, routingTimedOut } from '../core/errors.js';
import type { RouteContext, RoutingStrategy } from '../core/route.js';
import { type SharedContext, StrategyContext } from './strategy-context.js';

/** What a strategy is asked. */
export interface Question {
  readonly task: string;
  readonly availableServices: readonly string[];
  readonly context: RouteContext;
}

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
  /** Ends the wait as a fault, the reason being its cause. */
  readonly signal?: AbortSignal;
}

/** Limit of an asynchronous strategy that nobody set another one for, in seconds. */
export const DEFAULT_TIMEOUT_SECONDS = 1;

/** What a strategy gets beyond its own budget, in seconds: its answer goes before the end of its time. */
const GRACE_SECONDS = 0.05;

/** Longest budget that is believed, in seconds. */
const MAX_BUDGET_SECONDS = 3600;

/**
 * Asks a strategy inside another one, with a limit of its own. Total, as {@link answerOf}.
 *
 * @param limitSecondsIn - Its limit, given the orchestrator's for strategies without a budget.
 */
export function callStrategy(
  strategy: RoutingStrategy,
  { task, availableServices, context }: Question,
  limitSecondsIn: (timeoutSeconds: number) => number = (seconds) => limitSecondsOf(strategy, seconds),
): Answer | Promise<Answer> {
  const timeoutMs = () => limitSecondsIn(context.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS) * 1000;
  return callWithin(context, (own) => strategy.route(task, availableServices, own), {
    timeoutMs,
    lateness: (ms) => routingTimedOut(nameOf(strategy), ms),
  });
}

/**
 * Calls user code with a context of its own, whose signal fires when the time of the code is over; without a clock in
 * the context given there is no limit. Total, as {@link answerOf}.
 */
export function callWithin(
  context: RouteContext,
  call: (own: RouteContext) => unknown,
  limit: { readonly timeoutMs: () => number; readonly lateness: (timeoutMs: number) => unknown },
): Answer | Promise<Answer> {
  const own = hasClock(context) ? new StrategyContext(context, context.kwargs, context) : undefined;
  const limitOf = (): TimeLimit | undefined => {
    if (own === undefined) return undefined;
    const timeoutMs = limit.timeoutMs();
    const onTimeout = () => {
      const cause = limit.lateness(timeoutMs);
      own.abort(cause);
      return cause;
    };
    return { clock: own.clock, timeoutMs, onTimeout, signal: context.signal };
  };
  return answerOf(() => call(own ?? context), limitOf);
}

/** How long a strategy is waited for, in seconds: its budget and a little more, or `timeoutSeconds` if it has none. */
export function limitSecondsOf(strategy: RoutingStrategy, timeoutSeconds: number): number {
  const answer = answerOf(() => strategy.budgetSeconds?.(timeoutSeconds));
  const budget = answer instanceof Promise || answer.kind === 'fault' ? undefined : answer.value;
  return typeof budget === 'number' && budget > 0 && budget <= MAX_BUDGET_SECONDS
    ? budget + GRACE_SECONDS
    : timeoutSeconds;
}

/**
 * Calls user code and waits for a thenable, if it answers with one. Total: never throws, never rejects, and with a limit
 * never hangs. Answers at once unless the code is asynchronous; only then the limit is asked for.
 *
 * Thenables are not adopted with `await`: one that resolves with itself would keep the event loop busy for ever. What a
 * thenable delivers is taken as it is, the first time.
 */
export function answerOf(
  call: () => unknown,
  limitOf?: () => TimeLimit | undefined,
): Answer | Promise<Answer> {
  try {
    const value = call();
    const then = thenOf(value);
    return then === undefined ? { kind: 'answer', value } : settlementOf(value, then, limitOf?.());
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

function hasClock(context: RouteContext): context is RouteContext & SharedContext {
  return context.clock !== undefined;
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
      limit?.signal?.removeEventListener('abort', abort);
      resolve(answer());
    };
    const fail = (cause: unknown) => settle(() => ({ kind: 'fault', cause }));
    const expire = () => settle(() => ({ kind: 'fault', cause: limit?.onTimeout() }));
    const abort = () => fail(limit?.signal?.reason);
    if (limit?.signal?.aborted) abort();
    else if (limit !== undefined) {
      timer = limit.clock.setTimeout(expire, limit.timeoutMs);
      limit.waiting?.add(expire);
      limit.signal?.addEventListener('abort', abort, { once: true });
    }
    try {
      then.call(thenable, (value) => settle(() => ({ kind: 'answer', value })), fail);
    } catch (cause) {
      fail(cause);
    }
  });
}

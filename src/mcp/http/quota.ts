import type { Clock } from '../../core/environment.js';
import type { HttpLimits } from './limits.js';

/** A place under a principal's limits, or how long to wait for one. */
export type Admission =
  | { readonly admitted: true; release(): void }
  | { readonly admitted: false; readonly why: string; readonly retryAfterSeconds: number };

/** What came together: messages of every kind, and among them requests, which want an answer. */
export interface CallCount {
  readonly messages: number;
  readonly requests: number;
}

interface Account {
  tokens: number;
  updatedAtMs: number;
  underWay: number;
}

/** Accounts that are kept before those with nothing to remember are dropped. */
const MAX_IDLE_ACCOUNTS = 1000;

/**
 * Limits each principal: requests under way at once, and requests per second as a token bucket.
 *
 * Owns: an account per principal. Invariant L1: an account that is full and has nothing under way may be forgotten, so
 * the memory is bounded by who is active.
 */
export class Quota {
  readonly #limits: HttpLimits;
  readonly #clock: Clock;
  readonly #accounts = new Map<string, Account>();

  constructor(limits: HttpLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Takes a place for what came together. Messages that want no answer, such as a cancel, need only a token. */
  admit(principal: string, { messages, requests }: CallCount): Admission {
    const { callsAtOnce, callsPerSecond } = this.#limits;
    const account = this.#accountOf(principal);
    if (requests > 0 && account.underWay + requests > callsAtOnce) {
      const why = `${account.underWay} requests of yours are under way and callsAtOnce is ${callsAtOnce}; wait for one to end, or put many tasks into one executeParallel.`;
      return { admitted: false, why, retryAfterSeconds: 1 };
    }
    if (account.tokens < messages) {
      const why = `More than callsPerSecond (${callsPerSecond}) requests came; slow down, or put many tasks into one executeParallel.`;
      return {
        admitted: false,
        why,
        retryAfterSeconds: Math.ceil((messages - account.tokens) / callsPerSecond),
      };
    }
    account.tokens -= messages;
    account.underWay += requests;
    let isHeld = true;
    const release = () => {
      if (isHeld) account.underWay -= requests;
      isHeld = false;
    };
    return { admitted: true, release };
  }

  #accountOf(principal: string): Account {
    const { callsPerSecond, callsBurst } = this.#limits;
    const nowMs = this.#clock.now();
    const account = this.#accounts.get(principal);
    if (account === undefined) {
      if (this.#accounts.size >= MAX_IDLE_ACCOUNTS) this.#forgetIdle(nowMs);
      const fresh = { tokens: callsBurst, updatedAtMs: nowMs, underWay: 0 };
      this.#accounts.set(principal, fresh);
      return fresh;
    }
    const earned =
      callsPerSecond === Number.POSITIVE_INFINITY
        ? callsBurst
        : ((nowMs - account.updatedAtMs) / 1000) * callsPerSecond;
    account.tokens = Math.min(callsBurst, account.tokens + earned);
    account.updatedAtMs = nowMs;
    return account;
  }

  #forgetIdle(nowMs: number): void {
    const fullAfterMs = (this.#limits.callsBurst / this.#limits.callsPerSecond) * 1000;
    for (const [principal, { underWay, updatedAtMs }] of this.#accounts) {
      if (underWay === 0 && !(nowMs - updatedAtMs < fullAfterMs)) this.#accounts.delete(principal);
    }
  }
}

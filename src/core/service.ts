import type { Log } from './environment.js';
import type { RateLimitInput } from './rate-limiter.js';
import type { ServiceProfile } from './route.js';

/**
 * What a service gets beside the text of the task. Fresh for every attempt. kwargs, signal, progress and log are made when
 * they are asked for, so `{ ...context }` has none of them: a service that hands its context on changed uses
 * `extendContext`.
 */
export interface ServiceContext {
  /** The caller's arguments, a copy of this attempt's own; `{}` when none were given. */
  readonly kwargs: Readonly<Record<string, unknown>>;
  /** Aborted when the attempt is given up: cancelled, timed out or shut down. */
  readonly signal: AbortSignal;
  /** 1 for the first attempt. */
  readonly attempt: number;
  readonly taskId: string;
  /** Seconds that were left of `deadlineSeconds` when the attempt began; null when the task has no deadline. */
  readonly deadline: number | null;
  readonly idempotencyKey: string | null;
  /**
   * This attempt's place in a trace, for the header `traceparent` of what the service calls: the span of the attempt when
   * the orchestrator traces, else what the caller said; null when there is no trace.
   */
  readonly traceparent: string | null;
  /**
   * Tells the caller how far the work is; `fraction` is 0 to 1. More than 1 counts as 1, and what is no number of 0 or
   * more is not told. Never throws.
   */
  readonly progress: (fraction: number, message?: string) => void;
  readonly log: Log;
}

/**
 * The work itself: a value, a promise, or an async iterable. The items of an iterable are collected into a list, unless it
 * is a generator that returns a value: then that is the result. Items that are texts are told as progress as well.
 */
export type ServiceFunction = (task: string, context: ServiceContext) => unknown;

/** Something that can do work. Only `execute` is needed. */
export interface Service {
  execute: ServiceFunction;
  readonly description?: string;
  readonly keywords?: ServiceProfile['keywords'];
  readonly capabilities?: readonly string[];
  readonly examples?: readonly string[];
  /** Most attempts at once, 1 or more. Default: `maxParallel`. */
  readonly concurrency?: number;
  /** Most attempts that start per interval. Default: no limit. */
  readonly rateLimit?: RateLimitInput;
  /** True when a repeated attempt does no harm, so that a crash may be retried. Default false. */
  readonly idempotent?: boolean;
  /** Tools behind the service, as far as they are known; routing looks at their names and descriptions. */
  readonly tools?: ServiceProfile['tools'];
  /** False when description, capabilities and tools are not the operator's own words. Default true. */
  readonly trusted?: boolean;
  /** Calls the listener whenever a field that routing looks at has changed. Returns what ends that. */
  onProfileChange?(listener: () => void): () => void;
  /** Limit of one attempt here, in seconds; the task's own holds as well. Default: the task's. */
  readonly timeoutSeconds?: number;
  /** Most further attempts here, at most as many as the task allows. Default: the task's. */
  readonly maxRetries?: number;
  /**
   * Called once: when the service was removed and its last attempt has ended, or when the orchestrator closes. An object
   * that is several services is closed with the last of them.
   */
  close?(): unknown;
}

/** A service with settings beside it, for services whose own fields cannot be changed. */
export interface ServiceSettings extends Omit<Service, 'execute' | 'close' | 'onProfileChange'> {
  readonly service: Service | ServiceFunction;
}

/** What `services` and `registry.register()` accept. */
export type ServiceInput = Service | ServiceFunction | ServiceSettings;

/** State of a service, worst first: `failed` (circuit open), `retrying`, `busy`, `idle`. */
export type InstanceState = 'idle' | 'busy' | 'retrying' | 'failed';

/** One line of `listServices()`. */
export interface ServiceStatus {
  readonly name: string;
  readonly description: string;
  readonly capabilities: readonly string[];
  readonly state: InstanceState;
  readonly instances: Readonly<Record<InstanceState, number>>;
  readonly concurrency: number;
  readonly queued: number;
  readonly completed: number;
  readonly failed: number;
  readonly lastError: string | null;
  /** When an open circuit is probed next, ISO 8601; null while closed. */
  readonly retryAt: string | null;
}

import type { Log } from './environment.js';
import type { RuntimeEvent } from './events.js';

/** The trace that a caller is part of, in the words of W3C Trace Context. What is not valid counts as not said. */
export interface TraceHeaders {
  readonly traceparent: string | null;
  readonly tracestate: string | null;
}

/** A task at its acceptance. */
export interface TracedTask {
  readonly taskId: string;
  readonly text: string;
  readonly priority: number;
  /** The clock's milliseconds. */
  readonly atMs: number;
}

/** An attempt that is about to start. */
export interface TracedAttempt {
  readonly taskId: string;
  readonly service: string;
  readonly instance: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** The clock's milliseconds. */
  readonly atMs: number;
}

/**
 * Follows tasks where it matters who is on the stack: at the call that hands a task over, and around the service's code.
 * Everything else about a task it learns from the events.
 */
export interface Tracing {
  /** What the caller's task is to be part of; handed to {@link submitted}. Called while the caller is on the stack. */
  origin(headers: TraceHeaders): unknown;
  /** A task was accepted. */
  submitted(task: TracedTask, origin: unknown): void;
  /** Calls `run`, which starts the service's code and never throws, once and at once. */
  attempt(attempt: TracedAttempt, run: (traceparent: string | null) => void): void;
  /** Told of every fact. */
  told(event: RuntimeEvent): void;
}

/** A tracing that never throws, and that runs each attempt's code exactly once whatever the given one does. */
export function guardedTracing(tracing: Tracing, log: Log): Tracing {
  const guard = <T>(call: () => T): T | undefined => {
    try {
      return call();
    } catch (cause) {
      log.warn({ cause }, 'the tracing threw');
      return undefined;
    }
  };
  return {
    origin: (headers) => guard(() => tracing.origin(headers)),
    submitted: (task, origin) => guard(() => tracing.submitted(task, origin)),
    attempt(attempt, run) {
      let isRun = false;
      const once = (traceparent: string | null): void => {
        if (isRun) return;
        isRun = true;
        run(traceparent);
      };
      guard(() => tracing.attempt(attempt, once));
      once(null);
    },
    told: (event) => guard(() => tracing.told(event)),
  };
}

const TRACEPARENT = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/;
/** Longest `traceparent` and `tracestate` that are looked at, in characters. */
const LONGEST_HEADER = 512;

/** The parts of a `traceparent`. */
export interface TraceParent {
  readonly traceId: string;
  readonly spanId: string;
  /** 0 to 255; bit 0: the caller records its part. */
  readonly flags: number;
}

/** Reads a `traceparent` of W3C Trace Context, version 00 or later; null when it is not valid. */
export function parseTraceparent(text: unknown): TraceParent | null {
  if (typeof text !== 'string' || text.length > LONGEST_HEADER) return null;
  const [, version, traceId = '', spanId = '', flags = '', rest] = TRACEPARENT.exec(text) ?? [];
  if (version === undefined || version === 'ff' || (version === '00' && rest !== undefined)) return null;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return null;
  return { traceId, spanId, flags: Number.parseInt(flags, 16) };
}

/** What of two texts is valid; a `tracestate` means nothing without its `traceparent`. */
export function traceHeadersOf(traceparent: unknown, tracestate: unknown): TraceHeaders {
  if (parseTraceparent(traceparent) === null) return NO_TRACE;
  const isState = typeof tracestate === 'string' && tracestate.length <= LONGEST_HEADER;
  return { traceparent: traceparent as string, tracestate: isState ? tracestate : null };
}

/** The caller is part of no trace. */
export const NO_TRACE: TraceHeaders = { traceparent: null, tracestate: null };

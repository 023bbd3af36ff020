import {
  type Attributes,
  type Context,
  context as contexts,
  createTraceState,
  isSpanContextValid,
  ROOT_CONTEXT,
  type Span,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { RuntimeEvent } from '../core/events.js';
import type { TaskResult } from '../core/result.js';
import type { Route } from '../core/route.js';
import { parseTraceparent, type TracedAttempt, type TracedTask, type Tracing } from '../core/tracing.js';

/**
 * Owns: the open spans. One per task, from its acceptance to its result, and one per attempt below it. Talks to: a tracer.
 *
 * Invariants
 * - L1 Every span that was started is ended: an attempt's by the next fact about its task, a task's by its result.
 * - L2 No text of a task, of an error or of a model is in a span unless `recordTexts` says so.
 */

/** Options of {@link openTelemetryTracing}. */
export interface OpenTelemetryOptions {
  /** Default: that of the SDK which the application has registered; without one nothing is recorded. */
  readonly tracer?: Tracer;
  /**
   * Whether spans hold the text of tasks and errors, cut to 1,000 characters, and what models say of a route. They may hold
   * personal data and secrets. Default false.
   */
  readonly recordTexts?: boolean;
}

const LONGEST_TEXT = 1000;

/**
 * Spans of OpenTelemetry for an orchestrator: `gaffr.task` with the route and the result, and below it `gaffr.attempt` for
 * each attempt, which is the current span while the service's code runs, so that the service's own spans lie below it.
 *
 * @example
 * const orchestrator = createOrchestrator({ services, tracing: openTelemetryTracing() });
 */
export function openTelemetryTracing({
  tracer = trace.getTracer('gaffr'),
  recordTexts = false,
}: OpenTelemetryOptions = {}): Tracing {
  const tasks = new Map<string, TaskSpan[]>();
  return {
    origin({ traceparent, tracestate }) {
      const parent = parseTraceparent(traceparent);
      if (parent === null) return contexts.active();
      return trace.setSpanContext(contexts.active(), {
        traceId: parent.traceId,
        spanId: parent.spanId,
        traceFlags: parent.flags,
        isRemote: true,
        ...(tracestate !== null && { traceState: createTraceState(tracestate) }),
      });
    },
    submitted(task, origin) {
      const span = new TaskSpan(task, isContext(origin) ? origin : ROOT_CONTEXT, { tracer, recordTexts });
      const others = tasks.get(task.taskId);
      if (others) others.push(span);
      else tasks.set(task.taskId, [span]);
    },
    attempt(attempt, run) {
      const span = tasks.get(attempt.taskId)?.[0]?.beginAttempt(attempt);
      if (span === undefined) run(null);
      else contexts.with(span, () => run(traceparentOf(span)));
    },
    told(event) {
      if (!('taskId' in event)) return;
      const spans = tasks.get(event.taskId) ?? [];
      // Another task under the id of a live one is refused: the live one comes first.
      const isRefused = event.type === 'settled' && event.result.errorCode === 'DUPLICATE_ID';
      const index = isRefused && spans.length > 1 ? 1 : 0;
      spans[index]?.told(event);
      if (event.type !== 'settled') return;
      spans.splice(index, 1);
      if (spans.length === 0) tasks.delete(event.taskId);
    },
  };
}

type TaskFact = Extract<RuntimeEvent, { taskId: string }>;

/** The span of one task, and that of its running attempt. */
class TaskSpan {
  readonly #span: Span;
  readonly #context: Context;
  readonly #settings: { readonly tracer: Tracer; readonly recordTexts: boolean };
  /** What turns the clock's milliseconds into those of the epoch; taken anew for each task, as the two drift apart. */
  readonly #offsetMs: number;
  #attempt: Span | null = null;

  constructor(
    { taskId, text, priority, atMs }: TracedTask,
    parent: Context,
    settings: { readonly tracer: Tracer; readonly recordTexts: boolean },
  ) {
    this.#settings = settings;
    this.#offsetMs = Date.now() - atMs;
    const attributes = {
      'gaffr.task.id': taskId,
      'gaffr.task.priority': priority,
      ...(settings.recordTexts && { 'gaffr.task.text': text.slice(0, LONGEST_TEXT) }),
    };
    this.#span = settings.tracer.startSpan(
      'gaffr.task',
      { attributes, startTime: this.#epochMs(atMs) },
      parent,
    );
    this.#context = trace.setSpan(parent, this.#span);
  }

  /** @returns The context in which the attempt's code runs. */
  beginAttempt({ taskId, service, instance, attempt, atMs }: TracedAttempt): Context {
    const attributes = {
      'gaffr.task.id': taskId,
      'gaffr.service': service,
      'gaffr.instance': instance,
      'gaffr.attempt': attempt,
    };
    const options = { attributes, startTime: this.#epochMs(atMs) };
    this.#attempt = this.#settings.tracer.startSpan('gaffr.attempt', options, this.#context);
    return trace.setSpan(this.#context, this.#attempt);
  }

  told(event: TaskFact): void {
    const atMs = this.#epochMs(event.atMs);
    switch (event.type) {
      case 'queued':
      case 'moved':
        this.#span.addEvent(event.type, { 'gaffr.service': event.service }, atMs);
        return;
      case 'handed_over':
        this.#span.addEvent(
          event.type,
          event.service === null ? {} : { 'gaffr.service': event.service },
          atMs,
        );
        return;
      case 'reprioritised':
        this.#span.addEvent('reprioritised', { 'gaffr.task.priority': event.priority }, atMs);
        return;
      case 'abandoned':
        this.#attempt?.setAttribute('gaffr.attempt.abandoned', true);
        return;
      case 'backoff': {
        const { attempt, errorCode, delayMs, service } = event;
        this.#endAttempt(errorCode === 'TIMEOUT' ? 'timed_out' : 'failed', errorCode, atMs);
        const about = { 'gaffr.service': service, 'gaffr.attempt': attempt, 'error.type': errorCode };
        this.#span.addEvent('retry', { ...about, 'gaffr.retry.delay_seconds': delayMs / 1000 }, atMs);
        return;
      }
      case 'settled':
        this.#endAttempt(event.status, event.result.errorCode, atMs);
        this.#end(event.result, atMs);
        return;
    }
  }

  #end(result: TaskResult, atMs: number): void {
    const { status, serviceName, attempts, queueTime, executionTime, errorCode, error, route } = result;
    const span = this.#span;
    span.setAttributes({
      'gaffr.task.status': status,
      'gaffr.task.attempts': attempts,
      'gaffr.queue_seconds': queueTime,
      'gaffr.execution_seconds': executionTime,
      ...(serviceName !== null && { 'gaffr.service': serviceName }),
      ...(route !== null && routeAttributes(route, this.#settings.recordTexts)),
    });
    if (this.#settings.recordTexts && error !== null) {
      span.setAttribute('gaffr.error.text', error.slice(0, LONGEST_TEXT));
    }
    setOutcome(span, status, errorCode);
    span.end(atMs);
  }

  #endAttempt(outcome: string, errorCode: string | null, atMs: number): void {
    if (this.#attempt === null) return;
    this.#attempt.setAttribute('gaffr.attempt.outcome', outcome);
    setOutcome(this.#attempt, outcome, errorCode);
    this.#attempt.end(atMs);
    this.#attempt = null;
  }

  #epochMs(atMs: number): number {
    return this.#offsetMs + atMs;
  }
}

/** A cancel is the caller's wish: neither good nor an error. */
function setOutcome(span: Span, outcome: string, errorCode: string | null): void {
  if (errorCode !== null) span.setAttribute('error.type', errorCode);
  if (outcome === 'completed') span.setStatus({ code: SpanStatusCode.OK });
  else if (outcome !== 'cancelled') {
    span.setStatus({ code: SpanStatusCode.ERROR, ...(errorCode !== null && { message: errorCode }) });
  }
}

function routeAttributes(route: Route, recordTexts: boolean): Attributes {
  const { service, confidence, outcome, usedFallback, why } = route;
  return {
    ...(service !== null && { 'gaffr.route.service': service }),
    'gaffr.route.confidence': confidence,
    'gaffr.route.outcome': outcome,
    'gaffr.route.used_fallback': usedFallback,
    ...((recordTexts || !hasNotes(route)) && { 'gaffr.route.why': why.slice(0, LONGEST_TEXT) }),
  };
}

/** Words of a model or of a strategy of the user's own may repeat the task; all others are those of the services. */
function hasNotes({ ranked }: Route): boolean {
  return ranked.some(({ reasons = [] }) => reasons.some(({ kind }) => kind === 'llm' || kind === 'custom'));
}

function traceparentOf(context: Context): string | null {
  const spanContext = trace.getSpanContext(context);
  if (spanContext === undefined || !isSpanContextValid(spanContext)) return null;
  const { traceId, spanId, traceFlags } = spanContext;
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}

function isContext(origin: unknown): origin is Context {
  return typeof origin === 'object' && origin !== null && 'getValue' in origin;
}

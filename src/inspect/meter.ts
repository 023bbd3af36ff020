import {
  type Attributes,
  type Histogram,
  type Meter,
  metrics,
  type ObservableResult,
} from '@opentelemetry/api';
import type { RuntimeEvent } from '../core/events.js';
import type { InstanceState } from '../core/service.js';
import { BOUNDS_SECONDS } from './metrics-text.js';
import type { ObservedOrchestrator } from './observed.js';
import { ServiceLabels } from './service-labels.js';

/**
 * Owns: when the running attempts began. Talks to: a meter of OpenTelemetry, which it tells of each fact, and an
 * orchestrator, whose state it reads when the meter collects.
 *
 * Invariants
 * - L1 The number of series is bounded, whatever services, tasks and errors there are.
 * - L2 No attribute comes from the text of a task, an error or a result.
 */

/** Options of {@link openTelemetryMetrics}. */
export interface OpenTelemetryMetricsOptions {
  /** Default: that of the SDK which the application has registered; without one nothing is counted. */
  readonly meter?: Meter;
}

/**
 * Figures of an orchestrator for OpenTelemetry, from now on: what `createMetrics()` tells Prometheus. Returns what ends that.
 *
 * @example
 * const stop = openTelemetryMetrics(orchestrator);
 */
export function openTelemetryMetrics(
  orchestrator: ObservedOrchestrator,
  { meter = metrics.getMeter('gaffr') }: OpenTelemetryMetricsOptions = {},
): () => void {
  const labels = new ServiceLabels();
  const counts = new FactMeter(meter, labels);
  const onEvent = (event: RuntimeEvent): void => counts.take(event);
  orchestrator.on('event', onEvent);
  const stopObserving = observeState(orchestrator, meter, labels);
  return () => {
    orchestrator.off('event', onEvent);
    stopObserving();
  };
}

/** Counts facts. */
class FactMeter {
  readonly #labels: ServiceLabels;
  /** By task: its running attempt. */
  readonly #running = new Map<string, { readonly atMs: number; readonly service: string }>();
  readonly #submitted;
  readonly #tasks;
  readonly #retries;
  readonly #moved;
  readonly #circuits;
  readonly #attemptSeconds: Histogram;
  readonly #queueSeconds: Histogram;
  readonly #taskSeconds: Histogram;

  constructor(meter: Meter, labels: ServiceLabels) {
    const counter = (name: string, description: string) => meter.createCounter(name, { description });
    const seconds = (name: string, description: string) =>
      meter.createHistogram(name, {
        description,
        unit: 's',
        advice: { explicitBucketBoundaries: [...BOUNDS_SECONDS] },
      });
    this.#labels = labels;
    this.#submitted = counter('gaffr.tasks.submitted', 'Tasks that were handed over.');
    this.#tasks = counter('gaffr.tasks.ended', 'Tasks that ended, by status and error code.');
    this.#retries = counter('gaffr.retries', 'Attempts that were followed by a backoff.');
    this.#moved = counter('gaffr.moved', 'Tasks that left for another service.');
    this.#circuits = counter('gaffr.circuit.opened', 'Times the circuit opened.');
    this.#attemptSeconds = seconds('gaffr.attempt.duration', 'Length of an attempt, by outcome.');
    this.#queueSeconds = seconds(
      'gaffr.queue.duration',
      'From acceptance to the first attempt, or to the end.',
    );
    this.#taskSeconds = seconds('gaffr.task.duration', 'From acceptance to the result.');
  }

  take(event: RuntimeEvent): void {
    switch (event.type) {
      case 'submitted':
        this.#submitted.add(1);
        return;
      case 'started':
        this.#running.set(event.taskId, event);
        return;
      case 'backoff':
        this.#endAttempt(event.taskId, event.errorCode === 'TIMEOUT' ? 'timed_out' : 'failed', event.atMs);
        this.#retries.add(1, this.#of(event.service));
        return;
      case 'moved':
        this.#moved.add(1, this.#of(event.service));
        return;
      case 'settled':
        this.#settle(event);
        return;
      case 'circuit':
        if (event.state === 'open') this.#circuits.add(1, this.#of(event.service));
        return;
      default:
        return;
    }
  }

  #settle({ taskId, service, status, result, atMs }: Extract<RuntimeEvent, { type: 'settled' }>): void {
    const { errorCode, queueTime, executionTime } = result;
    // A second task under the id of a live one is refused: the attempt that runs is not its own.
    if (errorCode !== 'DUPLICATE_ID') {
      this.#endAttempt(taskId, status === 'rejected' || status === 'interrupted' ? 'failed' : status, atMs);
    }
    const of = this.#of(service);
    const error = errorCode === null ? {} : { 'error.type': errorCode };
    this.#tasks.add(1, { ...of, 'gaffr.task.status': status, ...error });
    this.#queueSeconds.record(queueTime, of);
    this.#taskSeconds.record(queueTime + executionTime, of);
  }

  #endAttempt(taskId: string, outcome: string, atMs: number): void {
    const attempt = this.#running.get(taskId);
    if (attempt === undefined) return;
    this.#running.delete(taskId);
    const attributes = { ...this.#of(attempt.service), 'gaffr.attempt.outcome': outcome };
    this.#attemptSeconds.record((atMs - attempt.atMs) / 1000, attributes);
  }

  #of(service: string | null): Attributes {
    return { 'gaffr.service': this.#labels.labelOf(service) };
  }
}

const STATES: readonly InstanceState[] = ['idle', 'busy', 'retrying', 'failed'];

/** Tells how things stand whenever the meter asks. */
function observeState(orchestrator: ObservedOrchestrator, meter: Meter, labels: ServiceLabels): () => void {
  const observed: (() => void)[] = [];
  const gauge = (name: string, description: string, tell: (result: ObservableResult) => void): void => {
    const instrument = meter.createObservableGauge(name, { description });
    instrument.addCallback(tell);
    observed.push(() => instrument.removeCallback(tell));
  };
  const perService =
    (value: (service: ReturnType<ObservedOrchestrator['listServices']>[number]) => number) =>
    (result: ObservableResult): void => {
      // Services beyond the bound share a label: their values are added up, not told over each other.
      const sums = new Map<string, number>();
      for (const service of orchestrator.listServices()) {
        const label = labels.labelOf(service.name);
        sums.set(label, (sums.get(label) ?? 0) + value(service));
      }
      for (const [label, sum] of sums)
        if (Number.isFinite(sum)) result.observe(sum, { 'gaffr.service': label });
    };
  const total =
    (value: (stats: ReturnType<ObservedOrchestrator['stats']>) => number) =>
    (result: ObservableResult): void => {
      const now = value(orchestrator.stats());
      // No limit is no value: exporters write numbers.
      if (Number.isFinite(now)) result.observe(now);
    };
  gauge(
    'gaffr.running',
    'Attempts that hold a parallel slot.',
    total(({ running }) => running),
  );
  gauge(
    'gaffr.max_parallel',
    'Most attempts at once.',
    total(({ maxParallel }) => maxParallel),
  );
  gauge(
    'gaffr.retrying',
    'Tasks in backoff.',
    total(({ retrying }) => retrying),
  );
  gauge(
    'gaffr.abandoned',
    'Attempts that were given up while their code runs.',
    total(({ abandoned }) => abandoned),
  );
  gauge(
    'gaffr.paused',
    '1 while nothing starts.',
    total(({ isPaused }) => Number(isPaused)),
  );
  gauge(
    'gaffr.queued',
    'Tasks in the mailbox.',
    perService(({ queued }) => queued),
  );
  gauge(
    'gaffr.circuit.open',
    'Services whose circuit is open.',
    perService(({ state }) => Number(state === 'failed')),
  );
  gauge(
    'gaffr.concurrency',
    'Most attempts of a service at once.',
    perService(({ concurrency }) => concurrency),
  );
  for (const state of STATES) {
    gauge(
      `gaffr.instances.${state}`,
      `Instances that are ${state}.`,
      perService(({ instances }) => instances[state]),
    );
  }
  const late = meter.createObservableCounter('gaffr.late_settlements', {
    description: 'Answers that came after their attempt had been given up.',
  });
  const tellLate = total(({ lateSettlements }) => lateSettlements);
  late.addCallback(tellLate);
  observed.push(() => late.removeCallback(tellLate));
  return () => {
    for (const stop of observed) stop();
  };
}

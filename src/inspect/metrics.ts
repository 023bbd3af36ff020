import type { RuntimeEvent } from '../core/events.js';
import type { TaskStatus } from '../core/result.js';
import type { InstanceState, ServiceStatus } from '../core/service.js';
import { Histogram, histogramText, METRICS_CONTENT_TYPE, metricText, type Sample } from './metrics-text.js';
import type { ObservedOrchestrator } from './observed.js';
import { ServiceLabels } from './service-labels.js';

/**
 * Owns: what was counted by service since it began to listen, and when the running attempts began. Talks to: the
 * orchestrator, whose events it hears and whose state it reads when asked for the text.
 *
 * Invariants
 * - L1 The number of series is bounded, whatever services, tasks and errors there are.
 * - L2 No label and no value comes from the text of a task, an error or a result.
 */

/** Figures of an orchestrator for Prometheus. */
export interface Metrics {
  /** All figures, in the text format of Prometheus. */
  text(): string;
  /** What the text is, for the header `content-type`. */
  readonly contentType: string;
  /** Stops counting. */
  stop(): void;
}

/**
 * Counts what an orchestrator does from now on.
 *
 * @example
 * const metrics = createMetrics(orchestrator);
 * app.get('/metrics', (_, response) => response.type(metrics.contentType).send(metrics.text()));
 */
export function createMetrics(orchestrator: ObservedOrchestrator): Metrics {
  const counters = new Counters();
  const onEvent = (event: RuntimeEvent): void => counters.take(event);
  orchestrator.on('event', onEvent);
  return {
    text: () => momentText(orchestrator, counters.labels) + counters.text() + processText(),
    contentType: METRICS_CONTENT_TYPE,
    stop: () => void orchestrator.off('event', onEvent),
  };
}

type Outcome = 'completed' | 'failed' | 'timed_out' | 'cancelled';

/** What is counted of one service. */
class ServiceCounters {
  readonly tasks = new Map<TaskStatus, number>();
  readonly errors = new Map<string, number>();
  readonly attempts = new Map<Outcome, number>();
  retries = 0;
  moved = 0;
  circuitsOpened = 0;
  readonly attemptSeconds = new Histogram();
  readonly queueSeconds = new Histogram();
  readonly taskSeconds = new Histogram();
}

class Counters {
  readonly labels = new ServiceLabels();
  readonly #services = new Map<string, ServiceCounters>();
  /** By task: its running attempt. */
  readonly #running = new Map<string, { readonly atMs: number; readonly service: string }>();
  #submitted = 0;

  take(event: RuntimeEvent): void {
    switch (event.type) {
      case 'submitted':
        this.#submitted += 1;
        return;
      case 'started':
        this.#running.set(event.taskId, event);
        return;
      case 'backoff':
        this.#endAttempt(event.taskId, event.errorCode === 'TIMEOUT' ? 'timed_out' : 'failed', event.atMs);
        this.#of(event.service).retries += 1;
        return;
      case 'moved':
        this.#of(event.service).moved += 1;
        return;
      case 'settled':
        this.#settle(event);
        return;
      case 'circuit':
        if (event.state === 'open') this.#of(event.service).circuitsOpened += 1;
        return;
      default:
        return;
    }
  }

  text(): string {
    const all = [...this.#services].map(([service, of]) => ({ labels: { service }, of }));
    const count = (name: string, help: string, samples: readonly Sample[]): string =>
      metricText(name, { type: 'counter', help, samples });
    const plain = (of: (counters: ServiceCounters) => number): Sample[] =>
      all.map(({ labels, of: counters }) => ({ labels, value: of(counters) }));
    const by = (label: string, of: (counters: ServiceCounters) => ReadonlyMap<string, number>): Sample[] =>
      all.flatMap(({ labels, of: counters }) =>
        [...of(counters)].map(([key, value]) => ({ labels: { ...labels, [label]: key }, value })),
      );
    const times = (name: string, help: string, of: (counters: ServiceCounters) => Histogram): string =>
      histogramText(
        name,
        help,
        all.map(({ labels, of: counters }) => ({ labels, histogram: of(counters) })),
      );
    return [
      count('gaffr_tasks_submitted_total', 'Tasks that were handed over.', [{ value: this.#submitted }]),
      count(
        'gaffr_tasks_total',
        'Tasks that ended, by status.',
        by('status', ({ tasks }) => tasks),
      ),
      count(
        'gaffr_errors_total',
        'Tasks that did not complete, by error code.',
        by('code', ({ errors }) => errors),
      ),
      count(
        'gaffr_attempts_total',
        'Attempts that ended, by outcome.',
        by('outcome', ({ attempts }) => attempts),
      ),
      count(
        'gaffr_retries_total',
        'Attempts that were followed by a backoff.',
        plain(({ retries }) => retries),
      ),
      count(
        'gaffr_moved_total',
        'Tasks that left for another service.',
        plain(({ moved }) => moved),
      ),
      count(
        'gaffr_circuit_opened_total',
        'Times the circuit opened.',
        plain(({ circuitsOpened }) => circuitsOpened),
      ),
      times('gaffr_attempt_seconds', 'Length of an attempt.', ({ attemptSeconds }) => attemptSeconds),
      times(
        'gaffr_queue_seconds',
        'From acceptance to the first attempt, or to the end.',
        ({ queueSeconds }) => queueSeconds,
      ),
      times('gaffr_task_seconds', 'From acceptance to the result.', ({ taskSeconds }) => taskSeconds),
    ].join('');
  }

  #settle({ taskId, service, status, result, atMs }: Extract<RuntimeEvent, { type: 'settled' }>): void {
    // A second task under the id of a live one is refused: the attempt that runs is not its own.
    if (result.errorCode !== 'DUPLICATE_ID') {
      this.#endAttempt(taskId, status === 'rejected' || status === 'interrupted' ? 'failed' : status, atMs);
    }
    const counters = this.#of(service);
    increment(counters.tasks, status);
    if (result.errorCode !== null) increment(counters.errors, result.errorCode);
    counters.queueSeconds.observe(result.queueTime);
    counters.taskSeconds.observe(result.queueTime + result.executionTime);
  }

  #endAttempt(taskId: string, outcome: Outcome, atMs: number): void {
    const attempt = this.#running.get(taskId);
    if (attempt === undefined) return;
    this.#running.delete(taskId);
    const counters = this.#of(attempt.service);
    increment(counters.attempts, outcome);
    counters.attemptSeconds.observe((atMs - attempt.atMs) / 1000);
  }

  #of(service: string | null): ServiceCounters {
    const label = this.labels.labelOf(service);
    const known = this.#services.get(label);
    if (known) return known;
    const counters = new ServiceCounters();
    this.#services.set(label, counters);
    return counters;
  }
}

const STATES: readonly InstanceState[] = ['idle', 'busy', 'retrying', 'failed'];

/** How things stand just now. */
function momentText(orchestrator: ObservedOrchestrator, labels: ServiceLabels): string {
  const stats = orchestrator.stats();
  const services = orchestrator.listServices();
  const gauge = (name: string, help: string, samples: readonly Sample[]): string =>
    metricText(name, { type: 'gauge', help, samples });
  const perService = (of: (service: ServiceStatus) => number): Sample[] =>
    summed(services.map((service) => [labels.labelOf(service.name), of(service)]));
  const inMailboxes = services.reduce((sum, { queued }) => sum + queued, 0);
  return [
    gauge('gaffr_max_parallel', 'Most attempts at once.', [{ value: stats.maxParallel }]),
    gauge('gaffr_running', 'Attempts that hold a parallel slot.', [{ value: stats.running }]),
    gauge('gaffr_retrying', 'Tasks in backoff.', [{ value: stats.retrying }]),
    gauge('gaffr_abandoned', 'Attempts that were given up while their code runs.', [
      { value: stats.abandoned },
    ]),
    gauge('gaffr_unrouted', 'Tasks that wait for their route.', [
      { value: Math.max(0, stats.queued - inMailboxes) },
    ]),
    gauge('gaffr_paused', '1 while nothing starts.', [{ value: Number(stats.isPaused) }]),
    metricText('gaffr_late_settlements_total', {
      type: 'counter',
      help: 'Answers that came after their attempt had been given up.',
      samples: [{ value: stats.lateSettlements }],
    }),
    gauge(
      'gaffr_queued',
      'Tasks in the mailbox.',
      perService(({ queued }) => queued),
    ),
    gauge(
      'gaffr_in_flight',
      'Attempts that run.',
      perService(({ instances }) => instances.busy),
    ),
    gauge(
      'gaffr_concurrency',
      'Most attempts at once.',
      perService(({ concurrency }) => concurrency),
    ),
    gauge('gaffr_circuit_open', '1 while the circuit is open.', open(services, labels)),
    gauge(
      'gaffr_instances',
      'Instances by state.',
      STATES.flatMap((state) =>
        perService(({ instances }) => instances[state]).map(({ labels: own, value }) => ({
          labels: { ...own, state },
          value,
        })),
      ),
    ),
  ].join('');
}

/** Services that share a label are open when one of them is. */
function open(services: readonly ServiceStatus[], labels: ServiceLabels): Sample[] {
  const samples = services.map(({ name, state }): [string, number] => [
    labels.labelOf(name),
    Number(state === 'failed'),
  ]);
  return summed(samples).map(({ labels: own, value }) => ({
    ...(own && { labels: own }),
    value: Math.min(1, value),
  }));
}

/** One sample a label: services may share one. */
function summed(pairs: readonly (readonly [label: string, value: number])[]): Sample[] {
  const sums = new Map<string, number>();
  for (const [label, value] of pairs) sums.set(label, (sums.get(label) ?? 0) + value);
  return [...sums].map(([service, value]) => ({ labels: { service }, value }));
}

/** Under the names that every client library uses. */
function processText(): string {
  const { user, system } = process.cpuUsage();
  return [
    metricText('process_cpu_seconds_total', {
      type: 'counter',
      help: 'Processor time of this process.',
      samples: [{ value: (user + system) / 1e6 }],
    }),
    metricText('process_resident_memory_bytes', {
      type: 'gauge',
      help: 'Memory of this process.',
      samples: [{ value: process.memoryUsage.rss() }],
    }),
    metricText('process_start_time_seconds', {
      type: 'gauge',
      help: 'Start of this process, in seconds since the epoch.',
      samples: [{ value: performance.timeOrigin / 1000 }],
    }),
  ].join('');
}

function increment<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

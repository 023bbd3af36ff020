import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { describe, expect, it } from 'vitest';
import { silentLog } from '../../src/core/environment.js';
import type { RuntimeEvent } from '../../src/core/events.js';
import { openTelemetryMetrics } from '../../src/inspect/meter.js';
import { createMetrics } from '../../src/inspect/metrics.js';
import type { ObservedOrchestrator } from '../../src/inspect/observed.js';
import { orchestratorStats, serviceStatus, taskResult } from '../support/fake-orchestrator.js';
import { parseMetrics } from '../support/prometheus.js';
import { drained, manualService, simulated } from '../support/simulation.js';

/** The real SDK, with an exporter that keeps what it is given. */
function sdk() {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const provider = new MeterProvider({ readers: [reader] });
  return {
    meter: provider.getMeter('test'),
    /** Every point that the exporter has received, by metric. */
    async exported() {
      exporter.reset();
      await reader.forceFlush();
      const metrics = exporter
        .getMetrics()
        .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((each) => each.metrics));
      return new Map(metrics.map(({ descriptor, dataPoints }) => [descriptor.name, dataPoints]));
    },
    stop: () => provider.shutdown(),
  };
}

const service = (name: string) => ({ 'gaffr.service': name });

describe('openTelemetryMetrics()', () => {
  it('gives an exporter of the SDK the figures that Prometheus gets', async () => {
    const work = manualService();
    const { orchestrator, advance } = simulated({
      services: { work: { service: work, concurrency: 2 } },
      config: { taskConfig: { timeoutSeconds: 5, maxRetries: 1, circuitFailures: 2 } },
      log: silentLog,
    });
    const { meter, exported, stop } = sdk();
    const stopCounting = openTelemetryMetrics(orchestrator, { meter });
    const prometheus = createMetrics(orchestrator);
    const all = ['a', 'b', 'c'].map((task) => orchestrator.execute(task));
    all.push(orchestrator.execute('d', { service: 'nobody' }));
    await drained();
    await advance(2000);
    work.calls[0]?.reject({ message: 'again', retryable: true });
    await advance(10_000);
    for (let turn = 0; turn < 60; turn += 1) {
      for (const call of work.open()) call.resolve('done');
      await advance(1000);
    }
    await Promise.all(all);

    const received = await exported();
    const { value } = parseMetrics(prometheus.text());
    const pointOf = (name: string, attributes: object = {}) =>
      received.get(name)?.find((point) => JSON.stringify(point.attributes) === JSON.stringify(attributes))
        ?.value;
    expect(pointOf('gaffr.tasks.submitted')).toBe(4);
    expect(pointOf('gaffr.tasks.submitted')).toBe(value('gaffr_tasks_submitted_total'));
    for (const status of ['completed', 'timed_out', 'failed'] as const) {
      const points = received.get('gaffr.tasks.ended') ?? [];
      const sum = points
        .filter(
          ({ attributes }) =>
            attributes['gaffr.task.status'] === status && attributes['gaffr.service'] === 'work',
        )
        .reduce((total, point) => total + (point.value as number), 0);
      expect({ status, sum }).toEqual({
        status,
        sum: value('gaffr_tasks_total', { service: 'work', status }) ?? 0,
      });
    }
    expect(
      pointOf('gaffr.tasks.ended', {
        ...service('(none)'),
        'gaffr.task.status': 'rejected',
        'error.type': 'UNKNOWN_SERVICE',
      }),
    ).toBe(1);
    expect(pointOf('gaffr.retries', service('work'))).toBe(value('gaffr_retries_total', { service: 'work' }));
    expect(pointOf('gaffr.circuit.opened', service('work'))).toBe(
      value('gaffr_circuit_opened_total', { service: 'work' }),
    );
    expect(pointOf('gaffr.late_settlements')).toBe(value('gaffr_late_settlements_total'));
    expect(pointOf('gaffr.running')).toBe(value('gaffr_running'));
    expect(pointOf('gaffr.concurrency', service('work'))).toBe(2);
    expect(pointOf('gaffr.task.duration', service('work'))).toMatchObject({
      count: value('gaffr_task_seconds_count', { service: 'work' }),
      sum: expect.closeTo(value('gaffr_task_seconds_sum', { service: 'work' }) as number, 6),
    });
    const attempts = (received.get('gaffr.attempt.duration') ?? []).map(
      ({ value: each }) => each as { count: number },
    );
    const counted = value('gaffr_attempt_seconds_count', { service: 'work' });
    expect(attempts.reduce((sum, { count }) => sum + count, 0)).toBe(counted);

    stopCounting();
    await orchestrator.execute('e', { service: 'nobody' });
    expect((await exported()).get('gaffr.tasks.submitted')?.[0]?.value).toBe(4);
    await stop();
  });

  it('has a bounded number of series, and leaves out a limit that is none', async () => {
    let tell: (event: RuntimeEvent) => void = () => {};
    const names = Array.from({ length: 300 }, (_, index) => `service ${index}`);
    const orchestrator: ObservedOrchestrator = {
      on: (_, listener) => {
        tell = listener;
      },
      off: () => {},
      stats: () => orchestratorStats({ maxParallel: Number.POSITIVE_INFINITY }),
      listServices: () => names.map((name) => serviceStatus({ name, queued: 1 })),
    };
    const { meter, exported, stop } = sdk();
    openTelemetryMetrics(orchestrator, { meter });
    for (const name of [...names, ...names.map((each) => `late ${each}`)]) {
      const result = taskResult({ serviceName: name });
      tell({ type: 'settled', atMs: 1, taskId: result.taskId, service: name, status: result.status, result });
    }
    const received = await exported();
    expect(received.has('gaffr.max_parallel')).toBe(false);
    expect(received.get('gaffr.tasks.ended')?.length).toBe(201);
    const queued = received.get('gaffr.queued') ?? [];
    expect(queued.length).toBe(201);
    expect(queued.find(({ attributes }) => attributes['gaffr.service'] === '(other)')?.value).toBe(100);
    await stop();
  });
});

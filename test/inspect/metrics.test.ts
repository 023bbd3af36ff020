import { describe, expect, it } from 'vitest';
import type { RuntimeEvent } from '../../src/core/events.js';
import { createMetrics } from '../../src/inspect/metrics.js';
import type { ObservedOrchestrator } from '../../src/inspect/observed.js';
import { failedResult, orchestratorStats, serviceStatus, taskResult } from '../support/fake-orchestrator.js';
import { parseMetrics } from '../support/prometheus.js';
import { drained, manualService, simulated } from '../support/simulation.js';

/** An orchestrator that says what the test says. */
function told(names: readonly string[] = []) {
  let listener: ((event: RuntimeEvent) => void) | undefined;
  const orchestrator: ObservedOrchestrator = {
    on: (_, each) => {
      listener = each;
    },
    off: () => {
      listener = undefined;
    },
    stats: () => orchestratorStats(),
    listServices: () => names.map((name) => serviceStatus({ name })),
  };
  return { metrics: createMetrics(orchestrator), tell: (event: RuntimeEvent) => listener?.(event) };
}

const settled = (service: string | null, over: Parameters<typeof taskResult>[0] = {}): RuntimeEvent => {
  const result = taskResult({ serviceName: service, ...over });
  return { type: 'settled', atMs: 1, taskId: result.taskId, service, status: result.status, result };
};

describe('createMetrics()', () => {
  it('counts tasks, attempts, retries and times by service, and shows how things stand', async () => {
    const slow = manualService();
    let calls = 0;
    const services = {
      slow: { service: slow, concurrency: 2 },
      flaky: () => {
        calls += 1;
        if (calls === 1) throw Object.assign(new Error('not yet'), { retryable: true });
        return 'done';
      },
    };
    const { orchestrator, advance } = simulated({ services });
    const metrics = createMetrics(orchestrator);
    const all = ['a', 'b', 'c'].map((task) => orchestrator.execute(task, { service: 'slow', maxRetries: 0 }));
    const flaky = orchestrator.execute('d', { service: 'flaky' });
    const nobody = await orchestrator.execute('e', { service: 'nobody' });
    await advance(2000);
    slow.calls[0]?.resolve();
    await drained();
    expect(nobody.status).toBe('rejected');
    const { value } = parseMetrics(metrics.text());
    expect(value('gaffr_tasks_submitted_total')).toBe(5);
    expect(value('gaffr_tasks_total', { service: 'slow', status: 'completed' })).toBe(1);
    expect(value('gaffr_tasks_total', { service: 'flaky', status: 'completed' })).toBe(1);
    expect(value('gaffr_tasks_total', { service: '(none)', status: 'rejected' })).toBe(1);
    expect(value('gaffr_errors_total', { service: '(none)', code: 'UNKNOWN_SERVICE' })).toBe(1);
    expect(value('gaffr_attempts_total', { service: 'flaky', outcome: 'failed' })).toBe(1);
    expect(value('gaffr_attempts_total', { service: 'flaky', outcome: 'completed' })).toBe(1);
    expect(value('gaffr_retries_total', { service: 'flaky' })).toBe(1);
    expect(value('gaffr_attempt_seconds_bucket', { service: 'slow', le: '1' })).toBe(0);
    expect(value('gaffr_attempt_seconds_bucket', { service: 'slow', le: '2.5' })).toBe(1);
    expect(value('gaffr_attempt_seconds_sum', { service: 'slow' })).toBe(2);
    expect(value('gaffr_queue_seconds_count', { service: 'slow' })).toBe(1);
    expect(value('gaffr_in_flight', { service: 'slow' })).toBe(2);
    expect(value('gaffr_queued', { service: 'slow' })).toBe(0);
    expect(value('gaffr_concurrency', { service: 'slow' })).toBe(2);
    expect(value('gaffr_instances', { service: 'slow', state: 'busy' })).toBe(2);
    expect(value('gaffr_running')).toBe(2);
    for (const call of slow.open()) call.resolve();
    await Promise.all([...all, flaky]);
  });

  it('shows queues, timeouts, abandoned attempts and an open circuit', async () => {
    const deaf = manualService();
    const { orchestrator, advance } = simulated({
      services: { deaf: { service: deaf, concurrency: 1 } },
      config: { taskConfig: { timeoutSeconds: 1, maxRetries: 0 } },
    });
    const metrics = createMetrics(orchestrator);
    const all = [orchestrator.execute('a'), orchestrator.execute('b')];
    await advance(1000);
    const early = parseMetrics(metrics.text());
    expect(early.value('gaffr_queued', { service: 'deaf' })).toBe(1);
    expect(early.value('gaffr_abandoned')).toBe(1);
    expect(early.value('gaffr_attempts_total', { service: 'deaf', outcome: 'timed_out' })).toBe(1);
    expect(early.value('gaffr_circuit_open', { service: 'deaf' })).toBe(0);
    await advance(1000);
    const late = parseMetrics(metrics.text());
    expect(late.value('gaffr_circuit_open', { service: 'deaf' })).toBe(1);
    expect(late.value('gaffr_circuit_opened_total', { service: 'deaf' })).toBe(1);
    const closing = orchestrator.close({ drainSeconds: 0 });
    await advance(1);
    await Promise.all([...all, closing]);
  });

  it('tells Infinity as the format does, and names each metric once', () => {
    const { metrics } = told(['a']);
    const { samples, types } = parseMetrics(metrics.text());
    expect(types.get('gaffr_attempt_seconds')).toBeUndefined();
    expect(samples.every(({ name }) => /^(gaffr|process)_/.test(name))).toBe(true);
    const { orchestrator } = simulated({ config: { taskConfig: { maxParallel: Number.POSITIVE_INFINITY } } });
    expect(createMetrics(orchestrator).text()).toContain('gaffr_max_parallel +Inf\n');
  });

  it('writes whatever services are called, and no service twice', () => {
    const names = [
      'a"b',
      'a\\b',
      'a\nb',
      'a\rb',
      '"} 1\nevil 1',
      '\ud800',
      '\udbff',
      'é😀',
      '',
      ' ',
      'x'.repeat(5000),
      `${'x'.repeat(5000)}y`,
      '__proto__',
      'constructor',
    ];
    const { metrics, tell } = told(names);
    for (const name of names) {
      tell(settled(name));
      tell({ type: 'circuit', atMs: 1, service: name, state: 'open' });
    }
    const { samples, value } = parseMetrics(metrics.text());
    const labels = new Set(samples.flatMap(({ labels: { service } }) => service ?? []));
    expect(labels).toContain('"} 1\nevil 1'.replace('\n', '\uFFFD'));
    expect(labels).toContain('__proto__');
    expect(Math.max(...[...labels].map(({ length }) => length))).toBeLessThanOrEqual(128);
    // Two names that cannot be told apart any more share a series.
    expect(value('gaffr_tasks_total', { service: 'x'.repeat(128), status: 'completed' })).toBe(2);
    expect(value('gaffr_circuit_open', { service: '\uFFFD' })).toBe(0);
    expect(samples.some(({ name }) => name === 'evil')).toBe(false);
  });

  it('has a bounded number of series, however many services come and go', () => {
    const { metrics, tell } = told(['first']);
    metrics.text();
    for (let index = 0; index < 5000; index += 1) {
      tell(
        settled(`service ${index}`, failedResult({ taskId: `t${index}`, serviceName: `service ${index}` })),
      );
    }
    const text = metrics.text();
    const { samples, value } = parseMetrics(text);
    expect(new Set(samples.flatMap(({ labels: { service } }) => service ?? [])).size).toBe(201);
    expect(samples.length).toBeLessThan(201 * 70);
    expect(value('gaffr_tasks_total', { service: '(other)', status: 'failed' })).toBe(4801);
  });

  it('holds no text of a task, an error or a result', async () => {
    const { orchestrator } = simulated({
      services: {
        bad: (task: string) => {
          throw new Error(`cannot do ${task}`);
        },
      },
    });
    const metrics = createMetrics(orchestrator);
    await orchestrator.execute('SECRET', { maxRetries: 0, kwargs: { token: 'SECRET' } });
    expect(metrics.text()).not.toContain('SECRET');
    expect(metrics.text()).not.toContain('cannot do');
  });

  it('keeps nothing of tasks that ended, and counts nothing once it is stopped', async () => {
    const { metrics, tell } = told();
    for (let index = 0; index < 10; index += 1) {
      const taskId = `t${index}`;
      tell({ type: 'started', atMs: 0, taskId, service: 's', instance: 's#0', attempt: 1 });
      tell(settled('s', { taskId }));
      // What comes late, or twice, is not another attempt.
      tell(settled('s', { taskId }));
    }
    expect(
      parseMetrics(metrics.text()).value('gaffr_attempts_total', { service: 's', outcome: 'completed' }),
    ).toBe(10);
    metrics.stop();
    tell(settled('s'));
    expect(
      parseMetrics(metrics.text()).value('gaffr_tasks_total', { service: 's', status: 'completed' }),
    ).toBe(20);
  });
});

import { describe, expect, it } from 'vitest';
import { drained, manualService, simulated } from '../support/simulation.js';
import {
  config,
  expectAtRest,
  expectBooksToBalance,
  expectNothingUnhandled,
  recordingLog,
} from './support.js';

expectNothingUnhandled();

describe('what happens between an outcome and its report', () => {
  it('fault Q6 a cancel right after a failure frees the instance once and leaves nothing abandoned', async () => {
    const service = manualService();
    const { orchestrator, advance } = simulated({
      services: { only: { service, concurrency: 1 } },
      config: config(),
    });
    const handle = orchestrator.submit('work');
    await drained();
    service.calls[0]?.reject(new Error('flaky'));
    await Promise.resolve();
    handle.cancel();
    expect(await handle.result()).toMatchObject({ status: 'cancelled', attempts: 1 });
    await expectAtRest(orchestrator);
    await advance(60_000);
    const next = orchestrator.execute('next');
    await drained();
    expect(service.calls).toHaveLength(2);
    service.calls[1]?.resolve('ok');
    expect((await next).success).toBe(true);
  });

  it('fault Q6 a cancel right after a completion frees the instance once', async () => {
    const service = manualService();
    const { orchestrator } = simulated({ services: { only: { service, concurrency: 1 } }, config: config() });
    const handle = orchestrator.submit('work');
    await drained();
    service.calls[0]?.resolve('done');
    await Promise.resolve();
    handle.cancel();
    expect((await handle.result()).status).toBe('cancelled');
    await expectAtRest(orchestrator);
    void orchestrator.executeParallel(['a', 'b']);
    await drained();
    expect(service.open()).toHaveLength(1);
  });

  it('fault Q6 a service that cancels its own task and then throws leaves its instance free', async () => {
    const controller = new AbortController();
    const { orchestrator } = simulated({
      services: {
        only: {
          concurrency: 1,
          execute: (task) => {
            if (task !== 'suicidal') return task;
            controller.abort();
            throw new Error('and now this');
          },
        },
      },
    });
    const result = await orchestrator.execute('suicidal', { signal: controller.signal });
    expect(result.status).toBe('cancelled');
    await expectAtRest(orchestrator);
    expect((await orchestrator.execute('next')).result).toBe('next');
  });

  it('fault Q6 a task in backoff that is cancelled by the failure that opens the circuit frees its instance once', async () => {
    const service = manualService();
    const { orchestrator, advance } = simulated({
      services: { only: { service, concurrency: 2 } },
      config: config({ circuitFailures: 2, maxParallel: 4 }),
    });
    const batch = orchestrator.executeParallel(['retries', { task: 'fails', maxRetries: 0 }], {
      failFast: true,
    });
    await drained();
    service.calls[0]?.reject(new Error('first'));
    await drained();
    service.calls[1]?.reject(new Error('second'));
    expect((await batch).map(({ status }) => status)).toEqual(['cancelled', 'failed']);
    await drained();
    expect(orchestrator.stats()).toMatchObject({ running: 0, retrying: 0, abandoned: 0 });
    await advance(5_000);
    const probe = orchestrator.execute('probe');
    await drained();
    service.calls[2]?.resolve();
    await probe;
    void orchestrator.executeParallel(['a', 'b', 'c', 'd']);
    await drained();
    expect(service.open()).toHaveLength(2);
    expectBooksToBalance(orchestrator);
  });

  it('fault S22 a task submitted in the tick in which the probe succeeds starts and is not refused', async () => {
    const service = manualService();
    const log = recordingLog();
    const { orchestrator, advance } = simulated({
      services: { only: { service, concurrency: 2 } },
      config: config({ circuitFailures: 2, maxRetries: 0 }),
      log,
    });
    const failing = orchestrator.executeParallel(['a', 'b']);
    await drained();
    for (const call of service.calls) call.reject(new Error('down'));
    await failing;
    await advance(5_000);
    const probe = orchestrator.execute('probe');
    await drained();
    service.calls[2]?.resolve();
    const next = orchestrator.execute('next');
    await drained();
    service.calls[3]?.resolve('fine');
    expect((await probe).success).toBe(true);
    expect(await next).toMatchObject({ result: 'fine', attempts: 1 });
    expect(log.error).not.toHaveBeenCalled();
    void orchestrator.executeParallel(['c', 'd']);
    await drained();
    expect(service.open()).toHaveLength(2);
  });

  it('fault Q12 a retry that is due when its circuit opens is neither started nor lost', async () => {
    const service = manualService();
    const { orchestrator, advance } = simulated({
      services: { only: { service, concurrency: 3 } },
      config: config({ maxParallel: 1, circuitFailures: 2, backoffBaseSeconds: 1 }),
    });
    const flaky = orchestrator.execute('flaky');
    await drained();
    service.calls[0]?.reject(new Error('one'));
    await drained();
    const last = orchestrator.execute('last', { maxRetries: 0 });
    await advance(500);
    // The backoff is over, but "last" has the only slot.
    expect(orchestrator.stats()).toMatchObject({ running: 1, retrying: 1 });
    service.calls[1]?.reject(new Error('two'));
    await last;
    await drained();
    expect(service.calls).toHaveLength(2);
    expect(orchestrator.stats()).toMatchObject({ running: 0, queued: 1, retrying: 0 });
    await advance(5_000);
    service.calls[2]?.resolve('at last');
    expect(await flaky).toMatchObject({ result: 'at last', attempts: 2 });
    await expectAtRest(orchestrator);
  });
});

describe('the retry budget', () => {
  it('fault Q12 a hundred failures in one tick are followed by at most a fifth of retries', async () => {
    const service = manualService();
    const { orchestrator } = simulated({
      services: { only: service },
      config: config({ maxParallel: 100, circuitFailures: 1_000 }),
    });
    const batch = orchestrator.executeParallel(Array.from({ length: 100 }, (_, index) => `task ${index}`));
    await drained();
    // A 429 is an answer: it does not open the circuit.
    for (const call of service.calls) call.reject({ message: 'busy', data: { status: 429 } });
    await drained();
    expect(orchestrator.stats()).toMatchObject({ retrying: 20, failed: 80 });
    void batch;
  });

  it('fault Q12 a hundred timeouts in one tick are followed by at most a fifth of retries', async () => {
    const service = manualService();
    const { orchestrator, advance } = simulated({
      services: { only: { service, concurrency: 300 } },
      config: config({ maxParallel: 100, circuitFailures: 1_000, timeoutSeconds: 1 }),
    });
    void orchestrator.executeParallel(Array.from({ length: 9 }, (_, index) => `task ${index}`));
    await advance(1_000);
    expect(orchestrator.stats()).toMatchObject({ retrying: 3, timedOut: 6, abandoned: 9 });
  });
});

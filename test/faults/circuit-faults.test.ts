import { describe, expect, it } from 'vitest';
import type { ExecutionConfigInput } from '../../src/core/config.js';
import { drained, type ManualService, manualService, simulated } from '../support/simulation.js';
import {
  config,
  expectAtRest,
  expectBooksToBalance,
  expectNothingUnhandled,
  recordingLog,
} from './support.js';

expectNothingUnhandled();

const world = (fields: ExecutionConfigInput = {}, concurrency?: number) => {
  const only = manualService();
  const spare = manualService();
  const simulation = simulated({
    services: { only: { service: only, ...(concurrency === undefined ? {} : { concurrency }) }, spare },
    strategy: () => [
      ['only', 0.9],
      ['spare', 0.8],
    ],
    config: config({ maxRetries: 0, ...fields }),
    log: recordingLog(),
  });
  return { ...simulation, only, spare };
};

/** Submits one task and lets it fail. */
async function fail(
  orchestrator: ReturnType<typeof world>['orchestrator'],
  service: ManualService,
): Promise<void> {
  void orchestrator.execute('failing', { service: 'only' });
  await drained();
  service.open()[0]?.reject(new Error('down'));
  await drained();
}

const stateOf = ({ orchestrator }: ReturnType<typeof world>) => orchestrator.listServices()[0]?.state;

describe('fault S22, when a circuit opens', () => {
  it('fault S22 five failures in a row open it, four do not, and a success begins anew', async () => {
    const simulation = world();
    const { orchestrator, only } = simulation;
    for (let count = 0; count < 4; count += 1) await fail(orchestrator, only);
    expect(stateOf(simulation)).toBe('idle');
    void orchestrator.execute('fine', { service: 'only' });
    await drained();
    only.open()[0]?.resolve();
    await drained();
    for (let count = 0; count < 4; count += 1) await fail(orchestrator, only);
    expect(stateOf(simulation)).toBe('idle');
    await fail(orchestrator, only);
    expect(stateOf(simulation)).toBe('failed');
  });

  it.each([
    ['opens it when they lie within 30 s', 1_000, 'failed'],
    ['leaves it closed when they lie further apart', 4_000, 'idle'],
  ])('fault S22 half of the last 20 outcomes failing %s', async (_, stepMs, expected) => {
    const simulation = world();
    const { orchestrator, only, advance } = simulation;
    for (let count = 0; count < 10; count += 1) {
      expect(stateOf(simulation)).toBe('idle');
      void orchestrator.execute('fine', { service: 'only' });
      await drained();
      only.open()[0]?.resolve();
      await fail(orchestrator, only);
      if (count < 9) await advance(stepMs);
    }
    expect(stateOf(simulation)).toBe(expected);
  });

  it('fault S22 all instances are failed, and nothing is assigned until the cool-down is over', async () => {
    const simulation = world({ circuitFailures: 2, onUnavailable: 'wait' }, 2);
    const { orchestrator, only, advance } = simulation;
    void orchestrator.executeParallel(['a', 'b']);
    await drained();
    for (const call of only.open()) call.reject(new Error('down'));
    await drained();
    const status = orchestrator.listServices()[0];
    expect(status).toMatchObject({
      state: 'failed',
      instances: { idle: 0, busy: 0, retrying: 0, failed: 2 },
    });
    expect(status?.lastError).toContain('down');
    expect(status?.retryAt).toMatch(/^\d{4}-\d\d-\d\dT/);
    void orchestrator.execute('c');
    await advance(4_999);
    expect(only.calls).toHaveLength(2);
    await advance(1);
    expect(only.calls).toHaveLength(3);
  });
});

describe('fault S22, probes', () => {
  it('fault S22 one instance probes however many tasks wait; a good probe lets the others through at once', async () => {
    const simulation = world({ circuitFailures: 1, onUnavailable: 'wait' }, 3);
    const { orchestrator, only, advance } = simulation;
    await fail(orchestrator, only);
    const rest = orchestrator.executeParallel(['a', 'b', 'c', 'd']);
    await advance(5_000);
    expect(only.open()).toHaveLength(1);
    await advance(60_000);
    expect(only.open()).toHaveLength(1);
    only.open()[0]?.resolve();
    await drained();
    expect(stateOf(simulation)).toBe('busy');
    expect(only.open()).toHaveLength(3);
    for (const call of only.open()) call.resolve();
    expect((await rest).every(({ success }) => success)).toBe(true);
    await expectAtRest(orchestrator);
  });

  it('fault S22 each bad probe doubles the cool-down up to the cap, and probing never stops', async () => {
    const simulation = world({
      circuitFailures: 1,
      onUnavailable: 'wait',
      circuitCooldownSeconds: 1,
      circuitCooldownCapSeconds: 5,
    });
    const { orchestrator, only, advance } = simulation;
    await fail(orchestrator, only);
    void orchestrator.executeParallel(Array.from({ length: 20 }, () => 'waits'));
    for (const cooldownMs of [1_000, 2_000, 4_000, 5_000, 5_000, 5_000, 5_000]) {
      const before = only.calls.length;
      await advance(cooldownMs - 1);
      expect(only.calls.length).toBe(before);
      await advance(1);
      expect(only.calls.length).toBe(before + 1);
      only.open()[0]?.reject(new Error('still down'));
      await drained();
    }
    // A good probe resets the cool-down.
    await advance(5_000);
    only.open()[0]?.resolve();
    await drained();
    const waiting = only.open()[0];
    waiting?.reject(new Error('down again'));
    await drained();
    const before = only.calls.length;
    await advance(999);
    expect(only.calls.length).toBe(before);
    await advance(1);
    expect(only.calls.length).toBe(before + 1);
  });

  it('fault S22 an outcome from before the circuit opened neither closes it nor prolongs its cool-down', async () => {
    const simulation = world({ circuitFailures: 1, onUnavailable: 'wait' });
    const { orchestrator, only, advance } = simulation;
    const old = orchestrator.executeParallel(['old success', 'old failure', 'opens it']);
    await drained();
    const [success, failure, opens] = only.calls;
    opens?.reject(new Error('down'));
    await drained();
    expect(stateOf(simulation)).toBe('failed');
    success?.resolve();
    await drained();
    expect(stateOf(simulation)).toBe('failed');
    await advance(5_000);
    void orchestrator.execute('probe');
    await drained();
    expect(only.open()).toHaveLength(2);
    failure?.reject(new Error('old'));
    await drained();
    // The probe decides alone.
    only.open()[0]?.resolve();
    await drained();
    expect(stateOf(simulation)).toBe('idle');
    expect((await old).map(({ status }) => status)).toEqual(['completed', 'failed', 'failed']);
  });

  it('fault S22 the probe of an earlier half-open period does not decide a later one', async () => {
    const simulation = world({ circuitFailures: 1, onUnavailable: 'wait', timeoutSeconds: 2 });
    const { orchestrator, only, advance } = simulation;
    await fail(orchestrator, only);
    await advance(5_000);
    void orchestrator.execute('first probe');
    await advance(2_000);
    expect(stateOf(simulation)).toBe('failed');
    await advance(10_000);
    void orchestrator.execute('second probe');
    await drained();
    expect(only.open()).toHaveLength(2);
    only.open()[0]?.resolve('late');
    await drained();
    expect(orchestrator.stats().lateSettlements).toBe(1);
    expect(stateOf(simulation)).not.toBe('idle');
    expect(only.open()).toHaveLength(1);
    only.open()[0]?.resolve();
    await drained();
    expect(stateOf(simulation)).toBe('idle');
  });

  it('fault S22 a cancelled probe has no verdict, and the next waiting task probes at once', async () => {
    const simulation = world({ circuitFailures: 1, onUnavailable: 'wait' });
    const { orchestrator, only, advance } = simulation;
    await fail(orchestrator, only);
    await advance(5_000);
    const probe = orchestrator.submit('probe');
    const next = orchestrator.execute('next');
    await drained();
    expect(only.open()).toHaveLength(1);
    probe.cancel();
    await drained();
    expect(only.open().map(({ task }) => task)).toEqual(['probe', 'next']);
    only.open()[1]?.resolve('alive');
    expect((await next).result).toBe('alive');
    expect(orchestrator.listServices()[0]?.retryAt).toBeNull();
  });

  it('fault S22 a probe that is answered with a refusal closes the circuit', async () => {
    const simulation = world({ circuitFailures: 1 });
    const { orchestrator, only, advance } = simulation;
    await fail(orchestrator, only);
    await advance(5_000);
    const probe = orchestrator.execute('probe', { service: 'only' });
    await drained();
    only.open()[0]?.reject({ code: 'INVALID_INPUT', message: 'no' });
    expect((await probe).errorCode).toBe('INVALID_INPUT');
    await drained();
    expect(stateOf(simulation)).toBe('idle');
  });

  it('fault S22 a due probe without tasks does nothing, and the next task is the probe', async () => {
    const simulation = world({ circuitFailures: 1 });
    const { orchestrator, only, advance } = simulation;
    await fail(orchestrator, only);
    await advance(600_000);
    expect(stateOf(simulation)).toBe('failed');
    expect(only.calls).toHaveLength(1);
    void orchestrator.execute('probe');
    await drained();
    expect(only.calls).toHaveLength(2);
  });
});

describe('fault S22, what waits', () => {
  const openWith = async (fields: ExecutionConfigInput) => {
    const simulation = world({ maxParallel: 1, circuitFailures: 1, ...fields });
    const { orchestrator, only } = simulation;
    const failing = orchestrator.execute('failing');
    const waiting = orchestrator.submit('waiting');
    const named = orchestrator.submit('named', { service: 'only' });
    await drained();
    only.calls[0]?.reject(new Error('down'));
    await failing;
    await drained();
    return { ...simulation, waiting, named };
  };

  it('fault S22 next: to the next candidate at or above the threshold; a named one waits', async () => {
    const { waiting, named, spare, orchestrator } = await openWith({});
    expect(spare.open().map(({ task }) => task)).toEqual(['waiting']);
    spare.open()[0]?.resolve();
    expect(await waiting.result()).toMatchObject({ serviceName: 'spare', attempts: 1, success: true });
    expect(named.status()).toBe('queued');
    expect(orchestrator.stats()).toMatchObject({ queued: 1, running: 0 });
  });

  it('fault S22 next: below the threshold a candidate is none; then to the fallback', async () => {
    const { waiting, spare } = await openWith({ confidenceThreshold: 0.85, fallbackService: 'spare' });
    spare.open()[0]?.resolve();
    expect(await waiting.result()).toMatchObject({
      serviceName: 'spare',
      route: { usedFallback: true, outcome: 'fallback' },
    });
    expect((await waiting.result()).route?.why).toMatch(/^unavailable/);
  });

  it('fault S22 next: without another candidate the task waits for the probe', async () => {
    const { waiting, only, spare, advance } = await openWith({ confidenceThreshold: 0.85 });
    expect(spare.calls).toHaveLength(0);
    await advance(5_000);
    only.open()[0]?.resolve();
    expect(await waiting.result()).toMatchObject({ serviceName: 'only', attempts: 1 });
  });

  it('fault S22 fallback: to the fallback even where a next candidate is', async () => {
    const third = manualService();
    const { orchestrator } = simulated({
      services: { only: () => Promise.reject(new Error('down')), spare: manualService(), third },
      strategy: () => [
        ['only', 0.9],
        ['spare', 0.8],
      ],
      config: config({
        maxRetries: 0,
        maxParallel: 1,
        circuitFailures: 1,
        onUnavailable: 'fallback',
        fallbackService: 'third',
      }),
      log: recordingLog(),
    });
    const results = orchestrator.executeParallel(['fails', 'moves']);
    await drained();
    third.open()[0]?.resolve();
    expect((await results).map(({ serviceName }) => serviceName)).toEqual(['only', 'third']);
  });

  it.each([
    ['next', 'spare'],
    ['fallback', 'third'],
    ['wait', 'only'],
    ['fail', 'spare'],
  ] as const)(
    'fault S22 %s: explain() tells that a task goes to "%s" just now',
    async (onUnavailable, service) => {
      const services = { only: manualService(), spare: manualService(), third: manualService() };
      const { orchestrator } = simulated({
        services,
        strategy: () => [
          ['only', 0.9],
          ['spare', 0.8],
        ],
        config: config({ maxRetries: 0, circuitFailures: 1, onUnavailable, fallbackService: 'third' }),
        log: recordingLog(),
      });
      expect(await orchestrator.explain('before')).toMatchObject({ service: 'only' });
      await fail(orchestrator, services.only);
      const told = await orchestrator.explain('a task');
      const handle = orchestrator.submit('a task');
      await drained();
      const waiting = orchestrator.waitingTasks().map((task) => task.service);
      const running = orchestrator.runningTasks().map((task) => task.service);
      expect([...waiting, ...running]).toEqual([service]);
      expect(told).toMatchObject({ service, usedFallback: service === 'third' });
      handle.cancel();
    },
  );

  it('fault S22 fail: without another candidate the task is SERVICE_UNAVAILABLE with the time to wait', async () => {
    const { waiting, named, orchestrator, only, clock } = await openWith({
      onUnavailable: 'fail',
      confidenceThreshold: 0.85,
    });
    for (const handle of [waiting, named]) {
      expect(await handle.result()).toMatchObject({
        status: 'rejected',
        errorCode: 'SERVICE_UNAVAILABLE',
        attempts: 0,
        errorDetails: { service: 'only', retryAfterSeconds: 5 },
      });
    }
    clock.increment(2_000);
    expect(await orchestrator.execute('later')).toMatchObject({ errorDetails: { retryAfterSeconds: 3 } });
    expect(only.calls).toHaveLength(1);
    expectBooksToBalance(orchestrator);
  });

  it('fault S22 a retried task that loses its service goes on elsewhere with the attempts it has left', async () => {
    const simulation = world({ maxRetries: 1, circuitFailures: 1, maxParallel: 2 });
    const { orchestrator, only, spare } = simulation;
    const result = orchestrator.execute('work');
    await drained();
    only.calls[0]?.reject(new Error('down'));
    await drained();
    expect(spare.calls[0]?.context.attempt).toBe(2);
    spare.calls[0]?.reject(new Error('down too'));
    expect(await result).toMatchObject({ status: 'failed', attempts: 2, serviceName: 'spare' });
  });

  it('fault S22 with every circuit open a retried task waits for the first good probe and is not lost', async () => {
    const simulation = world({ maxRetries: 5, circuitFailures: 1, maxParallel: 2 });
    const { orchestrator, only, spare, advance } = simulation;
    const result = orchestrator.execute('work');
    await drained();
    only.calls[0]?.reject(new Error('down'));
    await drained();
    spare.calls[0]?.reject(new Error('down too'));
    await drained();
    expect(orchestrator.stats()).toMatchObject({ queued: 1, running: 0 });
    await advance(5_000);
    expect(only.calls.length + spare.calls.length).toBe(3);
    [...only.open(), ...spare.open()][0]?.resolve('at last');
    expect(await result).toMatchObject({ result: 'at last', attempts: 3 });
  });

  it('fault S22 close drains tasks that wait for an open circuit: they are probed or answered, never left', async () => {
    const { orchestrator, only, advance, waiting, named } = await openWith({ onUnavailable: 'wait' });
    const closing = orchestrator.close({ drainSeconds: 6 });
    await advance(5_000);
    expect(only.open().map(({ task }) => task)).toEqual(['waiting']);
    only.open()[0]?.reject(new Error('still down'));
    await advance(1_000);
    await closing;
    expect(await waiting.result()).toMatchObject({ status: 'failed', attempts: 1 });
    expect(await named.result()).toMatchObject({
      status: 'cancelled',
      errorCode: 'SHUTTING_DOWN',
      attempts: 0,
    });
    expectBooksToBalance(orchestrator);
  });

  it('fault S22 a service removed or replaced while its circuit is open leaves no probe and no task behind', async () => {
    const { orchestrator, named, only, spare, advance } = await openWith({});
    spare.open()[0]?.resolve();
    const second = manualService();
    orchestrator.registry.register('only', second, { replace: true });
    await drained();
    expect(second.open().map(({ task }) => task)).toEqual(['named']);
    expect(orchestrator.listServices()[0]).toMatchObject({ state: 'busy', retryAt: null });
    second.open()[0]?.reject(new Error('down'));
    await named.result();
    await drained();
    expect(orchestrator.listServices()[0]?.state).toBe('failed');
    const last = orchestrator.execute('last', { service: 'only' });
    await drained();
    orchestrator.registry.unregister('only');
    expect(await last).toMatchObject({ status: 'rejected', errorCode: 'UNKNOWN_SERVICE' });
    await advance(60_000);
    expect(only.calls).toHaveLength(1);
    expectBooksToBalance(orchestrator);
  });
});

describe('fault Q11, a circuit that opens under a task', () => {
  it('fault Q11 down is heard before results: what waits goes on elsewhere with no attempt used', async () => {
    const simulation = world({ maxParallel: 2, circuitFailures: 1 });
    const { orchestrator, only, spare } = simulation;
    const results = orchestrator.executeParallel(['completes', 'opens', 'waits']);
    await drained();
    // In one tick: the first frees an instance, the second opens the circuit.
    only.calls[0]?.resolve();
    only.calls[1]?.reject(new Error('down'));
    await drained();
    expect(only.calls).toHaveLength(2);
    expect(spare.open().map(({ task }) => task)).toEqual(['waits']);
    spare.open()[0]?.resolve();
    expect((await results)[2]).toMatchObject({ serviceName: 'spare', attempts: 1 });
    expectBooksToBalance(orchestrator);
  });

  it('fault Q11 a first failure that opens the circuit while other instances are hired loses no task and runs none twice', async () => {
    const calls: string[] = [];
    const { orchestrator, advance } = simulated({
      services: {
        only: (task) => {
          calls.push(task);
          if (calls.length === 1) throw new Error('down');
          return task;
        },
      },
      config: config({ maxParallel: 4, maxRetries: 0, circuitFailures: 1 }),
      log: recordingLog(),
    });
    const results = orchestrator.executeParallel(['a', 'b', 'c', 'd', 'e', 'f']);
    for (let step = 0; step < 4; step += 1) await advance(5_000);
    const statuses = (await results).map(({ status, attempts }) => [status, attempts]);
    expect(statuses).toEqual([['failed', 1], ...Array.from({ length: 5 }, () => ['completed', 1])]);
    expect([...calls].sort()).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
    // Those that came back stand at the head, in their order.
    expect(calls).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
    await expectAtRest(orchestrator);
  });
});

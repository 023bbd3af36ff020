import { getEventListeners } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Deadlines } from '../../src/actors/deadlines.js';
import {
  type Clock,
  createOrchestrator,
  type Environment,
  systemClock,
  systemEnvironment,
  type TaskResult,
} from '../../src/index.js';
import { drained, manualService, simulated } from '../support/simulation.js';
import {
  config,
  expectAtRest,
  expectBooksToBalance,
  expectNothingUnhandled,
  recordingLog,
} from './support.js';

expectNothingUnhandled();

/** Longest delay a Node timer keeps. */
const MAX_TIMER_MS = 2 ** 31 - 1;

const timersOf = (clock: object): number => (clock as { timeouts: Map<unknown, unknown> }).timeouts.size;
const listenersOf = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;
/** Real time that knows which of its timers wait. */
function countingEnvironment(): Environment & { readonly waiting: ReadonlySet<unknown> } {
  const waiting = new Set<unknown>();
  const clock: Clock = {
    now: () => systemClock.now(),
    setTimeout: (callback, delayMs) => {
      const id = systemClock.setTimeout(() => {
        waiting.delete(id);
        callback();
      }, delayMs);
      waiting.add(id);
      return id;
    },
    clearTimeout: (id) => {
      waiting.delete(id);
      systemClock.clearTimeout(id);
    },
  };
  return { ...systemEnvironment(), clock, waiting };
}

describe('fault P1, a drain', () => {
  it('fault P1 a task accepted in the tick in which the drain begins is answered', async () => {
    const service = manualService();
    const { orchestrator, advance } = simulated({
      services: { only: service },
      config: config({ maxParallel: 1 }),
    });
    const before = orchestrator.execute('before');
    const closing = orchestrator.close({ drainSeconds: 5 });
    const after = orchestrator.execute('after');
    await drained();
    service.calls[0]?.resolve('done');
    await advance(0);
    await closing;
    expect((await before).result).toBe('done');
    expect(await after).toMatchObject({ status: 'rejected', errorCode: 'SHUTTING_DOWN', attempts: 0 });
    expectBooksToBalance(orchestrator);
  });

  it('fault P1 what is refused during a drain is told at once, to callers, waiters and listeners', async () => {
    const service = manualService();
    const { orchestrator } = simulated({ services: { only: service } });
    const seen: TaskResult[] = [];
    void orchestrator.execute('runs');
    await drained();
    orchestrator.on('error', (result) => seen.push(result));
    void orchestrator.close({ drainSeconds: 5 });
    const late = orchestrator.execute('late');
    const empty = orchestrator.onEmpty();
    expect((await late).errorCode).toBe('SHUTTING_DOWN');
    await empty;
    expect(seen).toHaveLength(1);
  });

  it('fault P1 a drain waits for no abandoned attempt', async () => {
    const service = manualService();
    const { orchestrator, clock } = simulated({ services: { only: service } });
    const handle = orchestrator.submit('deaf');
    await drained();
    handle.cancel();
    await orchestrator.close({ drainSeconds: 1_000 });
    expect(clock.now()).toBe(0);
    expect(timersOf(clock)).toBe(0);
  });

  it('fault P1 a drain waits for a task in backoff, and cuts it off at its end', async () => {
    const service = manualService();
    const { orchestrator, advance, clock } = simulated({
      services: { only: service },
      config: config({ backoffBaseSeconds: 4 }),
    });
    const ends = orchestrator.execute('ends');
    const hangs = orchestrator.execute('hangs');
    await drained();
    for (const call of service.calls) call.reject(new Error('flaky'));
    await drained();
    const closing = orchestrator.close({ drainSeconds: 3 });
    await advance(2_000);
    service.calls[2]?.resolve('done');
    service.calls[3]?.reject(new Error('again'));
    await advance(1_000);
    await closing;
    expect(await ends).toMatchObject({ result: 'done', attempts: 2 });
    expect(await hangs).toMatchObject({ status: 'cancelled', errorCode: 'SHUTTING_DOWN', attempts: 2 });
    expect(timersOf(clock)).toBe(0);
  });

  it('fault P1 called again, close waits for the same end, and the shortest drain holds', async () => {
    const closed = vi.fn();
    const service = { ...manualService(), close: closed };
    const { orchestrator, advance } = simulated({ services: { only: service } });
    const result = orchestrator.execute('hangs');
    await drained();
    const all = [
      orchestrator.close({ drainSeconds: 5 }),
      orchestrator.close({ drainSeconds: 2 }),
      orchestrator.close({ drainSeconds: 9 }),
      orchestrator[Symbol.asyncDispose](),
    ];
    await advance(1_999);
    expect(closed).not.toHaveBeenCalled();
    await advance(1);
    await Promise.all(all);
    expect((await result).errorCode).toBe('SHUTTING_DOWN');
    await orchestrator.close();
    expect(closed).toHaveBeenCalledTimes(1);
  });

  it('fault P1 a close() of a service that throws, rejects or never ends does not keep the orchestrator open', async () => {
    const log = recordingLog();
    const fault = (): never => {
      throw new Error('close');
    };
    const execute = (task: string): string => task;
    const { orchestrator, advance } = simulated({
      services: {
        throwing: { execute, close: fault },
        rejecting: { execute, close: async () => fault() },
        endless: { execute, close: () => new Promise(() => {}) },
      },
      log,
    });
    const closing = orchestrator.close({ drainSeconds: 1 });
    for (let step = 0; step < 20; step += 1) await advance(1_000);
    await closing;
    expect(log.warn).toHaveBeenCalledTimes(3);
  });

  it('fault P1 close while an asynchronous strategy thinks answers the task', async () => {
    const { orchestrator } = simulated({
      services: { only: (task) => task },
      strategy: () => new Promise(() => {}),
    });
    const result = orchestrator.execute('work');
    await drained();
    await orchestrator.close({ drainSeconds: 0 });
    expect(await result).toMatchObject({ status: 'cancelled', errorCode: 'SHUTTING_DOWN', attempts: 0 });
  });

  it('fault P1 a closed orchestrator refuses and otherwise does nothing', async () => {
    const { orchestrator } = simulated({ services: { only: (task) => task } });
    const handle = orchestrator.submit('work');
    await orchestrator.close();
    handle.cancel();
    orchestrator.pause().resume().clear().setMaxParallel(9);
    orchestrator.registry.register('second', (task) => task);
    orchestrator.registry.unregister('only');
    const results = await orchestrator.executeParallel(['a', { task: 'b', service: 'second' }]);
    expect(results.map(({ errorCode }) => errorCode)).toEqual(['SHUTTING_DOWN', 'SHUTTING_DOWN']);
    expect(handle.status()).toBe('completed');
    await orchestrator.onIdle();
    expectBooksToBalance(orchestrator);
  });
});

it('promise C17 close drops the timer of a strategy that still thinks', async () => {
  const { orchestrator, clock } = simulated({
    services: { a: (task) => task, b: (task) => task },
    strategy: () => new Promise(() => {}),
  });
  const result = orchestrator.execute('work');
  await drained();
  await orchestrator.close({ drainSeconds: 0 });
  expect((await result).errorCode).toBe('SHUTTING_DOWN');
  expect((clock as unknown as { timeouts: Map<unknown, unknown> }).timeouts.size).toBe(0);
});

describe('fault P4, time that jumps', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it.each([1, -1])('fault P4 a wall clock that jumps by %d day times nothing out', async (days) => {
    const service = manualService();
    const orchestrator = createOrchestrator({
      services: { only: { service, concurrency: 2 } },
      config: config({ timeoutSeconds: 60, maxParallel: 2, maxRetries: 0 }),
    });
    const running = orchestrator.submit('running');
    const brief = orchestrator.submit('brief', { timeoutSeconds: 0.02 });
    const waiting = orchestrator.submit('waiting', { queueTimeoutSeconds: 60, deadlineSeconds: 600 });
    await drained();
    vi.useFakeTimers({ toFake: ['Date'] });
    vi.setSystemTime(Date.now() + days * 86_400_000);
    // Its timer makes the runtime look at every limit there is.
    const result = await brief.result();
    expect(result.errorCode).toBe('TIMEOUT');
    expect(result.executionTime).toBeGreaterThan(0);
    expect(result.executionTime).toBeLessThan(10);
    expect([running.status(), waiting.status()]).toEqual(['running', 'queued']);
    for (const call of service.open()) call.resolve();
    expect((await running.result()).executionTime).toBeLessThan(10);
    await orchestrator.close({ drainSeconds: 0 });
  });

  it('fault P4 after an hour of sleep each overdue task times out once, without a storm', async () => {
    const service = manualService();
    const { orchestrator, clock, advance } = simulated({
      services: { only: { service, concurrency: 100 } },
      config: config({
        maxParallel: 100,
        timeoutSeconds: 60,
        queueTimeoutSeconds: 60,
        maxRetries: 5,
        retryBudgetRatio: 0,
        circuitFailures: 1_000_000,
      }),
    });
    const results: TaskResult[] = [];
    orchestrator.on('next', (result) => results.push(result));
    const ids = Array.from({ length: 300 }, (_, index) => orchestrator.submit(`task ${index}`).taskId);
    await drained();
    clock.increment(3_600_000);
    await drained();
    expect(service.calls).toHaveLength(100);
    // Three may be tried again; all others were told once.
    expect(orchestrator.stats()).toMatchObject({
      running: 0,
      queued: 0,
      retrying: 3,
      timedOut: 297,
      abandoned: 100,
    });
    for (const call of service.calls) call.resolve();
    for (let step = 0; step < 100; step += 1) {
      await advance(1_000);
      for (const call of service.open()) call.resolve();
    }
    expect(results.map(({ taskId }) => taskId).sort()).toEqual([...ids].sort());
    await expectAtRest(orchestrator);
  });
});

describe('fault P6, delays above 2^31 - 1 ms', () => {
  it('fault P6 the clock clamps what Node would fire at once', async () => {
    const fired = vi.fn();
    const ids = [2 ** 31, 2 ** 40, Number.POSITIVE_INFINITY].map((delayMs) =>
      systemClock.setTimeout(fired, delayMs),
    );
    await new Promise((resolve) => setTimeout(resolve, 20));
    for (const id of ids) systemClock.clearTimeout(id);
    expect(fired).not.toHaveBeenCalled();
  });

  it('fault P6 a timer that fires early is set again, and nothing expires before its time', () => {
    const { environment, clock } = simulated();
    const delays: number[] = [];
    const clamping: Clock = {
      ...environment.clock,
      now: () => clock.now(),
      setTimeout: (callback, delayMs) => {
        delays.push(delayMs);
        return clock.setTimeout(callback, Math.min(delayMs, MAX_TIMER_MS));
      },
      clearTimeout: (id) => clock.clearTimeout(id as number),
    };
    const deadlines: Deadlines = new Deadlines(clamping, () => deadlines.expire());
    const expired = vi.fn();
    deadlines.add({ dueMs: 5 * 2 ** 31, heapIndex: -1, expire: expired });
    for (let count = 0; count < 5; count += 1) {
      clock.increment(MAX_TIMER_MS);
      expect(expired).not.toHaveBeenCalled();
    }
    clock.increment(5);
    expect(expired).toHaveBeenCalledTimes(1);
    expect(delays.length).toBeGreaterThan(5);
  });

  it.each([2 ** 31 / 1000, 1e9, Number.MAX_VALUE])(
    'fault P6 a limit of %d s neither fires at once nor leaves a timer behind',
    async (seconds) => {
      const environment = countingEnvironment();
      const orchestrator = createOrchestrator({
        services: { only: () => drained() },
        environment,
      });
      const result = await orchestrator.execute('work', {
        timeoutSeconds: seconds,
        queueTimeoutSeconds: seconds,
        deadlineSeconds: seconds,
      });
      expect(result).toMatchObject({ success: true, attempts: 1 });
      await orchestrator.close({ drainSeconds: seconds });
      expect(environment.waiting.size).toBe(0);
    },
  );
});

describe('fault C7, cancelled before it starts', () => {
  it('fault C7 a signal that is already aborted starts nothing, alone, in a batch, in a stream and in subtasks', async () => {
    const service = manualService();
    const { orchestrator } = simulated({ services: { only: service } });
    const signal = AbortSignal.abort(new Error('before'));
    const streamed: TaskResult[] = [];
    for await (const result of orchestrator.stream(['a', 'b'], { signal })) streamed.push(result);
    const results = [
      await orchestrator.execute('a', { signal }),
      await orchestrator.submit('a', { signal }).result(),
      ...(await orchestrator.executeParallel(['a', 'b'], { signal })),
      ...(await orchestrator.executeParallel([{ task: 'a', signal }])),
      ...(await orchestrator.executeSubtasks([{ task: 'a' }, { task: 'b' }], { signal })),
      ...streamed,
    ];
    expect(results).toHaveLength(9);
    for (const result of results) expect(result).toMatchObject({ status: 'cancelled', attempts: 0 });
    await drained();
    expect(service.calls).toHaveLength(0);
    await expectAtRest(orchestrator);
  });
});

describe('fault K1, nothing is left behind', () => {
  const collectGarbage = (() => {
    setFlagsFromString('--expose_gc');
    return runInNewContext('gc') as () => void;
  })();

  it('fault K1 no abort listener stays on a shared signal after 10,000 tasks of every kind', async () => {
    const { signal } = new AbortController();
    const { orchestrator, advance } = simulated({
      services: {
        fine: (task) => task,
        slow: () => drained(),
        // A 429 is an answer: it opens no circuit.
        broken: () => Promise.reject({ message: 'no', data: { status: 429 } }),
      },
      config: config({ maxRetries: 1, circuitFailures: 1_000_000, maxParallel: 20 }),
    });
    const warnings: Error[] = [];
    const note = (warning: Error): void => {
      warnings.push(warning);
    };
    process.on('warning', note);
    for (let round = 0; round < 10; round += 1) {
      const handles = Array.from({ length: 1_000 }, (_, index) =>
        orchestrator.submit('x', {
          signal,
          service: (['fine', 'slow', 'broken', 'nobody'] as const)[index % 4] as string,
          ...(index % 7 === 0 ? { idempotencyKey: `key ${index % 50} ${index % 4}` } : {}),
        }),
      );
      await Promise.resolve();
      for (const handle of handles.slice(0, 100)) handle.cancel();
      const idle = orchestrator.onIdle();
      for (let step = 0; step < 30; step += 1) await advance(500);
      await idle;
    }
    await drained();
    process.off('warning', note);
    expect(listenersOf(signal)).toBe(0);
    expect(warnings).toEqual([]);
    expectBooksToBalance(orchestrator);
  });

  it('fault K1 timers and handles are back to the start after a mixed load in real time', async () => {
    const handles = (): string[] =>
      process
        .getActiveResourcesInfo()
        .filter((name) => name !== 'Timeout' && name !== 'Immediate')
        .sort();
    const before = handles();
    const environment = countingEnvironment();
    const orchestrator = createOrchestrator({
      services: {
        fine: async (task) => task,
        deaf: { concurrency: 1, execute: () => drained().then(drained) },
        // A 429 is an answer: it opens no circuit.
        broken: () => Promise.reject({ message: 'no', data: { status: 429 } }),
      },
      config: config({
        backoffBaseSeconds: 0.002,
        maxRetries: 1,
        circuitFailures: 1_000,
        timeoutSeconds: 30,
      }),
      environment,
    });
    const cancelled = orchestrator.submit('x', { service: 'deaf', deadlineSeconds: 60 });
    const results = orchestrator.executeParallel(
      Array.from({ length: 300 }, (_, index) => ({
        task: 'x',
        service: index % 2 === 0 ? 'fine' : 'broken',
        queueTimeoutSeconds: 60,
        deadlineSeconds: 60,
      })),
    );
    await Promise.resolve();
    await Promise.resolve();
    cancelled.cancel();
    await results;
    await orchestrator.onIdle();
    while (orchestrator.stats().abandoned > 0) await drained();
    await drained();
    // Idle already, not only closed: a process with nothing to do may end, once its instances rest.
    await expect.poll(() => environment.waiting.size).toBe(0);
    await orchestrator.close();
    expect(environment.waiting.size).toBe(0);
    expect(handles()).toEqual(before);
  });

  it('fault K1 the heap stays flat over 100,000 tasks', async () => {
    const { orchestrator } = simulated({ services: { only: async (task) => task } });
    const run = async (count: number): Promise<void> => {
      for (let left = count; left > 0; left -= 1_000) {
        await orchestrator.executeParallel(Array.from({ length: 1_000 }, () => 'work'));
      }
    };
    await run(20_000);
    collectGarbage();
    const before = process.memoryUsage().heapUsed;
    await run(100_000);
    collectGarbage();
    expect((process.memoryUsage().heapUsed - before) / 2 ** 20).toBeLessThan(1.5);
  });

  it.each([
    ['of batches', 'b'],
    ['of batches and of their tasks', { task: 'b', signal: new AbortController().signal }],
  ])('fault K1 shared signals %s do not collect what was', async (_, task) => {
    const { signal } = new AbortController();
    const { orchestrator } = simulated({ services: { only: async (task) => task } });
    const run = async (count: number): Promise<void> => {
      for (let left = count; left > 0; left -= 1) {
        await orchestrator.executeParallel(['a', task], { signal, failFast: true });
        if (typeof task !== 'string') await orchestrator.executeParallel([task], { signal });
        if (left % 100 === 0) await drained();
      }
    };
    await run(2_000);
    collectGarbage();
    const before = process.memoryUsage().heapUsed;
    await run(10_000);
    await drained();
    collectGarbage();
    expect((process.memoryUsage().heapUsed - before) / 2 ** 20).toBeLessThan(2);
    expect(listenersOf(signal)).toBe(0);
    if (typeof task !== 'string') expect(listenersOf(task.signal)).toBe(0);
  });

  it('fault K1 services that come and go leave no actor behind', async () => {
    const { orchestrator } = simulated({ services: { only: (task) => task } });
    for (let count = 0; count < 200; count += 1) {
      orchestrator.registry.register('guest', (task) => task);
      await orchestrator.execute('x', { service: 'guest' });
      orchestrator.registry.unregister('guest');
      await drained();
    }
    expect(Object.keys(orchestrator.actor.getSnapshot().children)).toHaveLength(0);
    expect(orchestrator.registry.listServices()).toEqual(['only']);
    await expectAtRest(orchestrator);
  });
});

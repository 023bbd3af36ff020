import { describe, expect, it } from 'vitest';
import type { TaskHandle, TaskResult } from '../../src/index.js';
import { drained, manualService, simulated } from '../support/simulation.js';
import {
  config,
  expectAtRest,
  expectBooksToBalance,
  expectNothingUnhandled,
  recordingLog,
} from './support.js';

expectNothingUnhandled();

const numbered = (count: number): string[] => Array.from({ length: count }, (_, index) => `task ${index}`);

describe('fault Q1 and Q2, a registry that changes at work', () => {
  it('fault Q1 a task in backoff ends on the service it started on, and that service is closed after it', async () => {
    const leaving = manualService();
    const closed: string[] = [];
    const { orchestrator, advance } = simulated({
      services: {
        leaving: { execute: leaving.execute, close: () => closed.push('leaving') },
        staying: manualService(),
      },
      config: config({ backoffBaseSeconds: 1 }),
    });
    const result = orchestrator.execute('work', { service: 'leaving' });
    await drained();
    leaving.calls[0]?.reject(new Error('flaky'));
    await drained();
    orchestrator.registry.unregister('leaving');
    await advance(500);
    expect(closed).toEqual([]);
    leaving.calls[1]?.resolve('done');
    expect(await result).toMatchObject({ result: 'done', attempts: 2, serviceName: 'leaving' });
    await drained();
    expect(closed).toEqual(['leaving']);
  });

  it('fault Q1 a task in backoff without an instance of its own moves on', async () => {
    const leaving = manualService();
    const staying = manualService();
    const { orchestrator, advance } = simulated({
      services: { leaving, staying },
      strategy: () => [
        ['leaving', 0.9],
        ['staying', 0.8],
      ],
      config: config({ timeoutSeconds: 1, backoffBaseSeconds: 1 }),
    });
    const result = orchestrator.execute('work');
    await advance(1_000);
    orchestrator.registry.unregister('leaving');
    await advance(500);
    staying.calls[0]?.resolve('instead');
    expect(await result).toMatchObject({ serviceName: 'staying', attempts: 2, result: 'instead' });
    leaving.calls[0]?.resolve();
    await drained();
    expect(orchestrator.stats()).toMatchObject({ abandoned: 0, lateSettlements: 1 });
  });

  it('fault Q2 each replaced service is closed once its last attempt has ended, abandoned ones included', async () => {
    const closed: number[] = [];
    const services = [1, 2, 3].map((number) => ({
      ...manualService(),
      close: () => closed.push(number),
    }));
    const [first, second, third] = services as [
      (typeof services)[0],
      (typeof services)[0],
      (typeof services)[0],
    ];
    const { orchestrator } = simulated({ services: { only: first }, config: config() });
    const handle = orchestrator.submit('a');
    await drained();
    orchestrator.registry.register('only', second, { replace: true });
    orchestrator.registry.register('only', third, { replace: true });
    handle.cancel();
    await drained();
    expect(closed).toEqual([2]);
    first.calls[0]?.resolve();
    await drained();
    expect(closed).toEqual([2, 1]);
    void orchestrator.execute('b');
    await drained();
    expect(third.calls).toHaveLength(1);
    third.calls[0]?.resolve();
    await orchestrator.close();
    expect(closed).toEqual([2, 1, 3]);
  });

  it('fault Q2 a removed service that is still held when the orchestrator closes is closed too', async () => {
    const closed: string[] = [];
    const held = manualService();
    const { orchestrator } = simulated({
      services: { held: { execute: held.execute, close: () => closed.push('held') } },
    });
    void orchestrator.execute('a');
    await drained();
    orchestrator.registry.unregister('held');
    await orchestrator.close({ drainSeconds: 0 });
    expect(closed).toEqual(['held']);
  });

  it('fault Q2 a task in backoff ends on the service it started on; a queued one goes to the newcomer', async () => {
    const old = manualService();
    const newcomer = manualService();
    const { orchestrator, advance } = simulated({
      services: { only: { service: old, concurrency: 1 } },
      config: config({ backoffBaseSeconds: 1 }),
    });
    const results = orchestrator.executeParallel(['flaky', 'waiting']);
    await drained();
    old.calls[0]?.reject(new Error('no'));
    await drained();
    orchestrator.registry.register('only', newcomer, { replace: true });
    await drained();
    expect(newcomer.open().map(({ task }) => task)).toEqual(['waiting']);
    await advance(500);
    expect(old.open().map(({ task }) => task)).toEqual(['flaky']);
    old.calls[1]?.resolve('old');
    newcomer.calls[0]?.resolve('young');
    expect((await results).map(({ result }) => result)).toEqual(['old', 'young']);
    await expectAtRest(orchestrator);
  });

  it('fault Q2 a changed service goes on in the order of priority and arrival', async () => {
    const order: string[] = [];
    const { orchestrator } = simulated({
      services: { only: manualService() },
      config: config({ maxParallel: 1, startPaused: true }),
    });
    for (const task of ['a', 'b', 'c']) void orchestrator.execute(task);
    void orchestrator.execute('urgent', { priority: 1 });
    await drained();
    orchestrator.registry.register('only', (task) => void order.push(task), { replace: true });
    orchestrator.resume();
    await orchestrator.onIdle();
    expect(order).toEqual(['urgent', 'a', 'b', 'c']);
  });
});

describe('fault Q3, ids and idempotency keys', () => {
  it('fault Q3 the id of a live task is taken; once it is settled the id is free', async () => {
    const service = manualService();
    const { orchestrator } = simulated({ services: { only: service } });
    const first = orchestrator.submit('a', { taskId: 'mine' });
    expect(await orchestrator.execute('b', { taskId: 'mine' })).toMatchObject({
      status: 'rejected',
      errorCode: 'DUPLICATE_ID',
      taskId: 'mine',
      attempts: 0,
    });
    await drained();
    expect(first.status()).toBe('running');
    first.cancel();
    expect(orchestrator.submit('c', { taskId: 'mine' }).status()).toBe('queued');
    expectBooksToBalance(orchestrator);
  });

  it('fault Q3 a caller who joined may leave; the task goes on for the others', async () => {
    const service = manualService();
    const { orchestrator } = simulated({ services: { only: service } });
    const options = { idempotencyKey: 'k' };
    const owner = orchestrator.submit('work', options);
    const leaver = orchestrator.submit('work', options);
    const stayer = orchestrator.submit('work', options);
    await drained();
    leaver.cancel('enough');
    expect(await leaver.result()).toMatchObject({ status: 'cancelled', errorCode: 'CANCELLED' });
    expect(service.calls).toHaveLength(1);
    expect(service.calls[0]?.context.signal.aborted).toBe(false);
    service.calls[0]?.resolve('once');
    expect(await stayer.result()).toEqual(await owner.result());
    leaver.cancel();
    expectBooksToBalance(orchestrator);
  });

  it('fault Q3 a cancel after the answer changes nothing, whether the caller joined or got a replay', async () => {
    const service = manualService();
    const { orchestrator } = simulated({ services: { only: service } });
    const options = { idempotencyKey: 'k' };
    const handles = [orchestrator.submit('work', options), orchestrator.submit('work', options)];
    await drained();
    service.calls[0]?.resolve('once');
    await Promise.all(handles.map((handle) => handle.result()));
    handles.push(orchestrator.submit('work', options));
    for (const handle of handles) handle.cancel();
    await drained();
    expect(handles.map((handle) => handle.status())).toEqual(['completed', 'completed', 'completed']);
    expect(orchestrator.stats()).toMatchObject({ queued: 0, submitted: 1, completed: 1, cancelled: 0 });
    await expectAtRest(orchestrator);
  });

  it('fault Q3 a caller who joined waits no longer than his own deadline; the task goes on', async () => {
    const service = manualService();
    const { orchestrator, advance, clock } = simulated({ services: { only: service } });
    const owner = orchestrator.submit('work', { idempotencyKey: 'k' });
    const hasty = orchestrator.submit('work', { idempotencyKey: 'k', deadlineSeconds: 2 });
    const patient = orchestrator.submit('work', { idempotencyKey: 'k', deadlineSeconds: 60 });
    await advance(1_999);
    expect(hasty.status()).toBe('running');
    await advance(1);
    expect(await hasty.result()).toMatchObject({ status: 'timed_out', errorCode: 'TIMEOUT', attempts: 0 });
    expect(owner.status()).toBe('running');
    service.calls[0]?.resolve('once');
    expect((await patient.result()).result).toBe('once');
    await expectAtRest(orchestrator);
    const { timeouts } = clock as unknown as { timeouts: Map<unknown, unknown> };
    expect(timeouts.size).toBe(0);
  });

  it('fault Q3 when the owner cancels, those who joined are told the same, and the key is replayed', async () => {
    const service = manualService();
    const { orchestrator } = simulated({ services: { only: service } });
    const options = { idempotencyKey: 'k' };
    const owner = orchestrator.submit('work', options);
    const joiner = orchestrator.submit('work', options);
    await drained();
    owner.cancel();
    expect((await joiner.result()).status).toBe('cancelled');
    expect((await orchestrator.execute('work', options)).status).toBe('cancelled');
    expect(service.calls).toHaveLength(1);
  });

  it('fault Q3 a key under which nothing was done is free again', async () => {
    const service = manualService();
    const { orchestrator } = simulated({
      services: { only: service },
      config: config({ startPaused: true, mailboxCapacity: 1 }),
    });
    const options = { idempotencyKey: 'k' };
    const full = orchestrator.submit('fills the mailbox');
    await drained();
    expect((await orchestrator.execute('work', options)).errorCode).toBe('QUEUE_FULL');
    full.cancel();
    expect((await orchestrator.execute('work', { ...options, signal: AbortSignal.abort() })).status).toBe(
      'cancelled',
    );
    const waiting = orchestrator.submit('work', options);
    await drained();
    waiting.cancel();
    await waiting.result();
    const again = orchestrator.execute('other input', options);
    await drained();
    orchestrator.resume();
    await drained();
    service.calls[0]?.resolve('done');
    expect((await again).result).toBe('done');
    expect(service.calls).toHaveLength(1);
  });

  it('fault Q3 other text, service or kwargs under the same key is a conflict, before and after the end', async () => {
    const service = manualService();
    const { orchestrator } = simulated({ services: { only: service } });
    const options = { idempotencyKey: 'k', kwargs: { page: 1 } };
    void orchestrator.execute('work', options);
    await drained();
    const others = () =>
      Promise.all([
        orchestrator.execute('other', options),
        orchestrator.execute('work', { ...options, service: 'only' }),
        orchestrator.execute('work', { ...options, kwargs: { page: 2 } }),
        orchestrator.execute('work', { idempotencyKey: 'k' }),
      ]);
    for (const result of await others()) expect(result.errorCode).toBe('IDEMPOTENCY_CONFLICT');
    service.calls[0]?.resolve();
    await drained();
    for (const result of await others()) expect(result.errorCode).toBe('IDEMPOTENCY_CONFLICT');
    expect(service.calls).toHaveLength(1);
    expectBooksToBalance(orchestrator);
  });

  it('fault Q3 a finished key is remembered for an hour', async () => {
    let runs = 0;
    const { orchestrator, advance } = simulated({
      services: {
        only: () => {
          runs += 1;
          return runs;
        },
      },
    });
    const options = { idempotencyKey: 'k' };
    expect((await orchestrator.execute('work', options)).result).toBe(1);
    await advance(3_599_999);
    expect((await orchestrator.execute('work', options)).result).toBe(1);
    await advance(1);
    expect((await orchestrator.execute('work', options)).result).toBe(2);
  });

  it('fault Q3 a listener that submits the same key again gets the same result', async () => {
    let runs = 0;
    const again: Promise<TaskResult>[] = [];
    const { orchestrator } = simulated({
      services: {
        only: () => {
          runs += 1;
          return runs;
        },
      },
    });
    const options = { idempotencyKey: 'k' };
    orchestrator.on('next', () => {
      if (again.length < 2) again.push(orchestrator.execute('work', options));
    });
    const first = await orchestrator.execute('work', options);
    for (const result of await Promise.all(again)) expect(result).toEqual(first);
    expect(runs).toBe(1);
  });

  it('fault Q3 ten thousand live keys cost the same each', async () => {
    const { orchestrator } = simulated({
      services: { only: (task) => task },
      config: config({ startPaused: true }),
    });
    const timeOf = (count: number, prefix: string): number => {
      const began = performance.now();
      for (let index = 0; index < count; index += 1) {
        void orchestrator.execute('work', { idempotencyKey: `${prefix}${index}` });
      }
      return performance.now() - began;
    };
    timeOf(2_000, 'warm ');
    const first = timeOf(2_000, 'a ');
    timeOf(26_000, 'b ');
    const last = timeOf(2_000, 'c ');
    expect(last).toBeLessThan(Math.max(first, 5) * 8);
  });
});

describe('fault Q4 and Q5, much work', () => {
  it('fault Q4 a full mailbox answers at once with service, capacity and time to wait, and displaces nobody', async () => {
    const service = manualService();
    const { orchestrator, advance } = simulated({
      services: { only: { service, concurrency: 1 } },
      config: config({ mailboxCapacity: 2 }),
    });
    const first = orchestrator.submit('first');
    await advance(4_000);
    service.calls[0]?.resolve();
    await first.result();
    const accepted = ['a', 'b', 'c'].map((task) => orchestrator.submit(task));
    await drained();
    const began = performance.now();
    const refused = orchestrator.execute('urgent', { priority: 1_000 });
    const result = await refused;
    // Well below 5 ms on a quiet machine; the bound only tells it from a wait.
    expect(performance.now() - began).toBeLessThan(500);
    expect(result).toMatchObject({
      status: 'rejected',
      errorCode: 'QUEUE_FULL',
      attempts: 0,
      errorDetails: { service: 'only', mailboxCapacity: 2, retryAfterSeconds: 4 },
    });
    expect(accepted.map((handle) => handle.status())).toEqual(['running', 'queued', 'queued']);
    service.open()[0]?.resolve();
    await drained();
    expect(orchestrator.submit('fits').status()).toBe('queued');
    await drained();
    expect(orchestrator.stats()).toMatchObject({ rejected: 1, queued: 2 });
  });

  it('fault Q4 capacities are per service', async () => {
    const { orchestrator } = simulated({
      services: { a: manualService(), b: manualService() },
      config: config({ mailboxCapacity: 1, startPaused: true }),
    });
    const submit = (service: string): TaskHandle => orchestrator.submit('x', { service });
    const handles = ['a', 'a', 'b', 'b'].map(submit);
    await drained();
    expect(handles.map((handle) => handle.status())).toEqual(['queued', 'rejected', 'queued', 'rejected']);
  });

  it('fault Q5 a batch answers in input order, and ten times the tasks take about ten times as long', async () => {
    const { orchestrator } = simulated({
      services: { a: (task) => task, b: async (task) => task },
      strategy: (task) => [[Number(task) % 3 === 0 ? 'a' : 'b', 1]],
      config: config({ mailboxCapacity: 1_000_000 }),
    });
    const run = async (count: number): Promise<number> => {
      const tasks = Array.from({ length: count }, (_, index) => String(index + 1));
      const began = performance.now();
      const results = await orchestrator.executeParallel(tasks);
      const took = performance.now() - began;
      expect(results.every(({ result }, index) => result === tasks[index])).toBe(true);
      return took;
    };
    await run(5_000);
    const small = await run(5_000);
    const large = await run(50_000);
    expect(large / small).toBeLessThan(40);
    await expectAtRest(orchestrator, 'a');
  });

  it('fault Q5 a batch with a maxParallel of its own keeps order too', async () => {
    const { orchestrator } = simulated({ services: { only: async (task) => task } });
    const tasks = numbered(5_000);
    const results = await orchestrator.executeParallel(tasks, { maxParallel: 3 });
    expect(results.map(({ result }) => result)).toEqual(tasks);
  });

  it('fault Q8 executeParallel([]) is [], whatever its options, and submits nothing', async () => {
    const { orchestrator } = simulated({ services: { only: (task) => task } });
    expect(await orchestrator.executeParallel([])).toEqual([]);
    expect(
      await orchestrator.executeParallel([], { failFast: true, maxParallel: 1, signal: AbortSignal.abort() }),
    ).toEqual([]);
    expect(await orchestrator.executeSubtasks([])).toEqual([]);
    const seen: unknown[] = [];
    for await (const result of orchestrator.stream([])) seen.push(result);
    expect(seen).toEqual([]);
    expect(orchestrator.stats().submitted).toBe(0);
  });
});

describe('fault Q6, cancel in every state', () => {
  const states: [string, (world: ReturnType<typeof make>) => Promise<void> | undefined, number][] = [
    ['accepted', () => undefined, 0],
    [
      'queued',
      async ({ orchestrator }) => {
        orchestrator.pause();
        await drained();
      },
      0,
    ],
    [
      'busy',
      async () => {
        await drained();
      },
      1,
    ],
    [
      'retrying',
      async ({ service }) => {
        await drained();
        service.calls[0]?.reject(new Error('flaky'));
        await drained();
      },
      1,
    ],
    [
      'retrying without an instance',
      async ({ advance }) => {
        await advance(10_000);
      },
      1,
    ],
    [
      'due and waiting for a slot',
      async ({ service, orchestrator, advance }) => {
        await drained();
        service.calls[0]?.reject(new Error('flaky'));
        await drained();
        orchestrator.pause();
        await advance(60_000);
      },
      1,
    ],
  ];
  const make = () => {
    const service = manualService();
    return {
      service,
      ...simulated({
        services: { only: service },
        config: config({ timeoutSeconds: 10, backoffBaseSeconds: 1 }),
        log: recordingLog(),
      }),
    };
  };

  it.each(states)(
    'fault Q6 while %s: one result, at once, and nothing after it',
    async (_, reach, attempts) => {
      const world = make();
      const { orchestrator, service, advance, clock } = world;
      const results: TaskResult[] = [];
      const handle = orchestrator.submit('work');
      orchestrator.on('next', (result) => results.push(result));
      const reached = reach(world);
      if (reached) await reached;
      const now = clock.now();
      const reason = new Error('changed my mind');
      handle.cancel(reason);
      const result = await handle.result();
      expect(result).toMatchObject({ status: 'cancelled', errorCode: 'CANCELLED', attempts, success: false });
      expect(result.error).toContain('changed my mind');
      expect(clock.now()).toBe(now);
      await Promise.all([orchestrator.onEmpty(), orchestrator.onIdle(), orchestrator.onNoneRunning()]);
      handle.cancel('again');
      orchestrator.resume();
      for (let step = 0; step < 5; step += 1) await advance(60_000);
      expect(service.calls.length).toBe(attempts);
      for (const call of service.open()) {
        expect(call.context.signal.reason ?? reason).toBeInstanceOf(Error);
        call.resolve();
      }
      await expectAtRest(orchestrator);
      expect(results).toEqual([result]);
      expect(orchestrator.stats()).toMatchObject({ cancelled: 1, completed: 0, failed: 0, timedOut: 0 });
    },
  );

  it('fault Q6 cancel while an asynchronous strategy thinks: at once, and the ranking comes too late', async () => {
    let answer: (ranked: [string, number][]) => void = () => {};
    const service = manualService();
    const { orchestrator } = simulated({
      services: { only: service },
      strategy: () => new Promise((resolve) => (answer = resolve)),
    });
    const handle = orchestrator.submit('work');
    await drained();
    handle.cancel();
    expect(await handle.result()).toMatchObject({ status: 'cancelled', attempts: 0, route: null });
    answer([['only', 1]]);
    await drained();
    expect(service.calls).toHaveLength(0);
    await expectAtRest(orchestrator);
  });

  it('fault Q6 cancel of a settled task changes nothing', async () => {
    const { orchestrator } = simulated({ services: { only: (task) => task } });
    const handle = orchestrator.submit('work');
    const result = await handle.result();
    handle.cancel();
    expect(await handle.result()).toBe(result);
    expect(handle.status()).toBe('completed');
    expect(orchestrator.stats()).toMatchObject({ completed: 1, cancelled: 0 });
  });

  it('fault Q6 deadline and queue timeout reach a task in each waiting state', async () => {
    const service = manualService();
    const { orchestrator, advance } = simulated({
      services: { only: service },
      config: config({ maxParallel: 1, backoffBaseSeconds: 100, backoffCapSeconds: 100 }),
      strategy: (task) => (task === 'never routed' ? new Promise(() => {}) : [['only', 1]]),
    });
    const backingOff = orchestrator.execute('backing off', { deadlineSeconds: 60 });
    const queued = orchestrator.execute('queued', { deadlineSeconds: 0.8 });
    const routing = orchestrator.execute('never routed', { queueTimeoutSeconds: 0.5 });
    const slow = orchestrator.execute('never routed', { deadlineSeconds: 0.6 });
    await drained();
    service.calls[0]?.reject(new Error('flaky'));
    await drained();
    for (let step = 0; step < 10; step += 1) await advance(100);
    expect(await queued).toMatchObject({ status: 'timed_out', errorCode: 'TIMEOUT', attempts: 0 });
    expect(await routing).toMatchObject({ status: 'timed_out', errorCode: 'QUEUE_TIMEOUT', queueTime: 0.5 });
    expect(await slow).toMatchObject({ status: 'timed_out', errorCode: 'TIMEOUT', queueTime: 0.6 });
    await advance(49_000);
    service.calls[1]?.reject(new Error('flaky'));
    // Another backoff would end beyond the deadline: the failure stands, at once.
    expect(await backingOff).toMatchObject({ status: 'failed', attempts: 2, executionTime: 50 });
    await expectAtRest(orchestrator);
  });
});

describe('fault Q7, limits that change at run time', () => {
  it('fault Q7 maxParallel up fills at once, down kills nothing and drains to the limit', async () => {
    const service = manualService();
    const { orchestrator } = simulated({
      services: { only: { service, concurrency: 10 } },
      config: config({ maxParallel: 2 }),
    });
    void orchestrator.executeParallel(numbered(12));
    await drained();
    orchestrator.setMaxParallel(5);
    expect(service.open()).toHaveLength(5);
    orchestrator.setMaxParallel(2);
    await drained();
    expect(service.open()).toHaveLength(5);
    expect(service.calls.every(({ context }) => !context.signal.aborted)).toBe(true);
    for (const expected of [4, 3, 2, 2, 2]) {
      service.open()[0]?.resolve();
      await drained();
      expect(service.open()).toHaveLength(expected);
    }
    orchestrator.setMaxParallel(Number.POSITIVE_INFINITY);
    await drained();
    expect(service.open()).toHaveLength(7);
  });

  it('fault Q7 concurrency up fills at once, down kills nothing and drains to the limit', async () => {
    const service = manualService();
    const { orchestrator } = simulated({
      services: { only: { service, concurrency: 1 } },
      config: config({ maxParallel: 10 }),
    });
    void orchestrator.executeParallel(numbered(10));
    await drained();
    expect(service.open()).toHaveLength(1);
    orchestrator.setConcurrency('only', 4);
    expect(service.open()).toHaveLength(4);
    orchestrator.setConcurrency('only', 2);
    for (const expected of [3, 2, 2, 2]) {
      service.open()[0]?.resolve();
      await drained();
      expect(service.open()).toHaveLength(expected);
    }
    expect(orchestrator.listServices()[0]?.concurrency).toBe(2);
  });

  it('fault Q7 a limit changed while paused holds from resume on', async () => {
    const service = manualService();
    const { orchestrator } = simulated({
      services: { only: service },
      config: config({ maxParallel: 5, startPaused: true }),
    });
    void orchestrator.executeParallel(numbered(6));
    await drained();
    orchestrator.setMaxParallel(2).resume();
    await drained();
    expect(service.open()).toHaveLength(2);
  });
});

describe('fault Q9, one service down or slow', () => {
  it('fault Q9 a hundred thousand tasks for a stuck service do not delay the others', async () => {
    const stuck = manualService();
    const { orchestrator } = simulated({
      services: { stuck: { service: stuck, concurrency: 2 }, quick: (task) => task },
      config: config({ maxParallel: 3 }),
    });
    void orchestrator.executeParallel(
      Array.from({ length: 20_000 }, () => ({ task: 'x', service: 'stuck' })),
    );
    await drained();
    const results = await orchestrator.executeParallel(
      Array.from({ length: 100 }, (_, index) => ({ task: `q${index}`, service: 'quick' })),
    );
    expect(results.every(({ success }) => success)).toBe(true);
    expect(stuck.calls).toHaveLength(2);
  });

  it('fault Q9 turns are fair among twenty services with one slot', async () => {
    const order: string[] = [];
    const names = Array.from({ length: 20 }, (_, index) => `s${index}`);
    const { orchestrator } = simulated({
      services: new Map(names.map((name) => [name, () => void order.push(name)])),
      config: config({ maxParallel: 1, startPaused: true }),
    });
    for (const name of names) {
      for (let count = 0; count < 5; count += 1) void orchestrator.execute('x', { service: name });
    }
    await drained();
    orchestrator.resume();
    await orchestrator.onIdle();
    for (let round = 0; round < 5; round += 1) {
      expect([...order.slice(round * 20, round * 20 + 20)].sort()).toEqual([...names].sort());
    }
  });
});

describe('fault Q10, waiting too long', () => {
  it('fault Q10 a queue timeout names what it waited for, and the task never starts', async () => {
    const service = manualService();
    const { orchestrator, advance } = simulated({
      services: { only: service },
      config: config({ maxParallel: 1, queueTimeoutSeconds: 3 }),
    });
    const running = orchestrator.execute('running');
    const late = orchestrator.execute('late');
    const patient = orchestrator.execute('patient', { queueTimeoutSeconds: 10 });
    await advance(2_999);
    expect(orchestrator.stats().queued).toBe(2);
    await advance(1);
    const result = await late;
    expect(result).toMatchObject({
      status: 'timed_out',
      errorCode: 'QUEUE_TIMEOUT',
      attempts: 0,
      queueTime: 3,
      executionTime: 0,
      errorDetails: { service: 'only', queueTimeoutSeconds: 3, waiting: 1 },
    });
    service.calls[0]?.resolve();
    expect((await running).success).toBe(true);
    await drained();
    service.calls[1]?.resolve();
    expect((await patient).queueTime).toBe(3);
    expect(service.calls.map(({ task }) => task)).toEqual(['running', 'patient']);
  });

  it('fault Q10 queue time is not charged to the attempt, and once started the queue timeout is over', async () => {
    const service = manualService();
    const { orchestrator, advance } = simulated({
      services: { only: service },
      config: config({ maxParallel: 1, timeoutSeconds: 5, maxRetries: 0 }),
    });
    void orchestrator.execute('first');
    const second = orchestrator.execute('second', { queueTimeoutSeconds: 6 });
    await advance(4_000);
    service.calls[0]?.resolve();
    await advance(4_999);
    expect(orchestrator.stats().running).toBe(1);
    await advance(1);
    expect(await second).toMatchObject({ errorCode: 'TIMEOUT', queueTime: 4, executionTime: 5 });
  });

  it('fault Q10 a deadline that passed in the queue is TIMEOUT without a start, even when all happens at once', async () => {
    const service = manualService();
    const { orchestrator, clock } = simulated({
      services: { only: service },
      config: config({ maxParallel: 1 }),
    });
    const first = orchestrator.execute('first');
    const second = orchestrator.execute('second', { deadlineSeconds: 1 });
    await drained();
    // The clock jumps without its timers having run; then the slot becomes free.
    const jumped = clock as unknown as { _now: number };
    jumped._now = 5_000;
    service.calls[0]?.resolve();
    expect((await first).success).toBe(true);
    expect(await second).toMatchObject({ status: 'timed_out', errorCode: 'TIMEOUT', attempts: 0 });
    expect(service.calls).toHaveLength(1);
  });
});

describe('fault Q10, limits of next to nothing', () => {
  it('fault Q10 a deadline that is over at once is TIMEOUT without a start, also where an instance must be hired first', async () => {
    const service = manualService();
    const { orchestrator, clock } = simulated({ services: { only: service } });
    // Beside a second, next to nothing is nothing.
    clock.increment(1_000);
    const results = [
      orchestrator.execute('a', { deadlineSeconds: Number.MIN_VALUE }),
      orchestrator.execute('b', { deadlineSeconds: Number.MIN_VALUE, service: 'only' }),
    ];
    for (const result of await Promise.all(results)) {
      expect(result).toMatchObject({ status: 'timed_out', errorCode: 'TIMEOUT', attempts: 0 });
    }
    expect(clock.now()).toBe(1_000);
    expect(service.calls).toHaveLength(0);
    await expectAtRest(orchestrator);
  });
});

describe('fault Q12, retries', () => {
  it('fault Q12 the backoff is uniform in [0, min(cap, base * 2^n))', async () => {
    const delays: number[] = [];
    let random = 0;
    const world = simulated();
    const { orchestrator } = simulated({
      services: { only: () => Promise.reject(new Error('down')) },
      environment: { ...world.environment, random: () => random },
      config: config({ maxRetries: 6, backoffBaseSeconds: 1, backoffCapSeconds: 10, circuitFailures: 100 }),
    });
    orchestrator.on('event', (event) => {
      if (event.type === 'backoff') delays.push(event.delayMs);
    });
    for (const value of [0, 0.5, 1 - Number.EPSILON]) {
      random = value;
      delays.length = 0;
      const result = orchestrator.execute('work');
      for (let step = 0; step < 7; step += 1) {
        await drained();
        world.clock.increment(10_000);
      }
      expect((await result).attempts).toBe(7);
      const ceilings = [1_000, 2_000, 4_000, 8_000, 10_000, 10_000];
      expect(delays).toEqual(ceilings.map((ceiling) => Math.floor(ceiling * value)));
    }
  });

  it('fault Q12 above the budget the original error stands at once', async () => {
    const service = manualService();
    const { orchestrator } = simulated({
      services: { only: { service, concurrency: 10 } },
      config: config({ maxParallel: 10, circuitFailures: 100, retryBudgetRatio: 0 }),
    });
    const results = numbered(5).map((task) => orchestrator.submit(task));
    await drained();
    for (const call of service.calls) call.reject(new Error(`no ${call.task}`));
    await drained();
    expect(results.map((handle) => handle.status())).toEqual([
      ...['retrying', 'retrying', 'retrying'],
      ...['failed', 'failed'],
    ]);
    expect((await results[4]?.result())?.error).toContain('no task 4');
  });

  it('fault Q12 a settled retry makes room in the budget', async () => {
    const service = manualService();
    const { orchestrator, advance } = simulated({
      services: { only: { service, concurrency: 10 } },
      config: config({ maxParallel: 10, circuitFailures: 100, backoffBaseSeconds: 1 }),
    });
    const results = numbered(4).map((task) => orchestrator.submit(task));
    await drained();
    for (const call of service.calls.slice(0, 3)) call.reject(new Error('no'));
    await drained();
    results[0]?.cancel();
    service.calls[3]?.reject(new Error('no'));
    await drained();
    expect(results.map((handle) => handle.status())).toEqual([
      'cancelled',
      'retrying',
      'retrying',
      'retrying',
    ]);
    await advance(500);
    for (const call of service.open()) call.resolve();
    await expectAtRest(orchestrator);
  });

  it('fault Q12 a due retry takes the next parallel slot before higher priorities', async () => {
    const flaky = manualService();
    const other = manualService();
    const { orchestrator, advance } = simulated({
      services: { flaky: { service: flaky, concurrency: 5 }, other },
      config: config({ maxParallel: 1, backoffBaseSeconds: 1 }),
    });
    void orchestrator.execute('flaky', { service: 'flaky' });
    await drained();
    flaky.calls[0]?.reject(new Error('no'));
    void orchestrator.execute('other', { service: 'other' });
    await drained();
    void orchestrator.execute('urgent', { service: 'other', priority: 100 });
    await advance(500);
    other.calls[0]?.resolve();
    await drained();
    expect(flaky.open().map(({ context }) => context.attempt)).toEqual([2]);
    expect(other.calls).toHaveLength(1);
  });

  it('fault Q12 attempts never exceed 1 + maxRetries, however they end', async () => {
    const service = manualService();
    const { orchestrator, advance } = simulated({
      services: { only: service },
      config: config({ maxRetries: 3, timeoutSeconds: 1, circuitFailures: 100 }),
    });
    const result = orchestrator.execute('work');
    for (let step = 0; step < 20; step += 1) {
      await advance(500);
      if (step % 3 === 0) service.open().at(-1)?.reject(new Error('no'));
    }
    expect((await result).attempts).toBe(4);
    expect(service.calls.map(({ context }) => context.attempt)).toEqual([1, 2, 3, 4]);
    const none = orchestrator.execute('work', { maxRetries: 0 });
    await drained();
    service.open().at(-1)?.reject(new Error('no'));
    expect((await none).attempts).toBe(1);
  });
});

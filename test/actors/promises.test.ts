import { describe, expect, it, vi } from 'vitest';
import { createOrchestrator, ExecutionConfig, type TaskResult } from '../../src/index.js';
import { drained, manualService, simulated } from '../support/simulation.js';

const config = (fields: Parameters<typeof ExecutionConfig.create>[0] = {}) =>
  ExecutionConfig.create({ fallbackService: null, ...fields });

describe('the contract', () => {
  it('promise C1 a failing task resolves with success false and never rejects', async () => {
    const { orchestrator } = simulated({
      services: {
        broken: () => {
          throw new Error('no luck');
        },
      },
      config: config({ maxRetries: 0 }),
    });
    const result = await orchestrator.execute('anything');
    expect(result).toMatchObject({
      status: 'failed',
      success: false,
      result: null,
      errorCode: 'SERVICE_FAILED',
      serviceName: 'broken',
      attempts: 1,
    });
    expect(result.error).toContain('no luck');
  });

  it('promise C1 misuse of the API throws a TypeError that names it', async () => {
    const { orchestrator } = simulated({ services: { echo: (task) => task } });
    await expect(orchestrator.execute(42 as never)).rejects.toThrow(/text.*number/);
    await expect(orchestrator.execute('x', { timoutSeconds: 1 } as never)).rejects.toThrow(/timoutSeconds/);
    await expect(orchestrator.executeParallel(['x', { task: '' }])).rejects.toThrow(/tasks\[1\]/);
    expect(orchestrator.stats().submitted).toBe(0);
  });

  it('promise C2 with maxParallel 3 and 50 tasks over 4 services never 4 run and no slot is idle while one waits', async () => {
    const services = { a: manualService(), b: manualService(), c: manualService(), d: manualService() };
    const { orchestrator, advance } = simulated({ services, config: config({ maxParallel: 3 }) });
    const names = Object.keys(services) as (keyof typeof services)[];
    const tasks = Array.from({ length: 50 }, (_, index) => ({
      task: `task ${index}`,
      service: names[index % 4] as string,
    }));
    const done = orchestrator.executeParallel(tasks);
    const lengths = [3, 11, 7, 2, 29];
    const ends = new Map<object, number>();
    let now = 0;
    for (let left = 50; left > 0; ) {
      await drained();
      const open = names.flatMap((name) => services[name].open());
      expect(open.length).toBe(Math.min(3, left));
      expect(orchestrator.stats().running).toBe(open.length);
      for (const call of open) if (!ends.has(call)) ends.set(call, now + (lengths[ends.size % 5] as number));
      now = Math.min(...open.map((call) => ends.get(call) as number));
      await advance(0);
      for (const call of open) {
        if (ends.get(call) !== now) continue;
        call.resolve(call.task);
        left -= 1;
      }
    }
    const results = await done;
    expect(results.map(({ result }) => result)).toEqual(tasks.map(({ task }) => task));
  });

  it('promise C3 a service never runs more than its concurrency, abandoned attempts included', async () => {
    const service = manualService();
    const { orchestrator } = simulated({
      services: { only: { service, concurrency: 2 } },
      config: config({ maxParallel: 5 }),
    });
    const handles = ['a', 'b', 'c', 'd'].map((task) => orchestrator.submit(task));
    await drained();
    expect(service.calls.map(({ task }) => task)).toEqual(['a', 'b']);
    handles[0]?.cancel();
    await drained();
    // "a" ignores its signal: it still occupies its instance.
    expect(orchestrator.stats()).toMatchObject({ abandoned: 1, running: 1 });
    expect(service.calls).toHaveLength(2);
    service.calls[0]?.resolve();
    await drained();
    expect(service.calls.map(({ task }) => task)).toEqual(['a', 'b', 'c']);
    expect(orchestrator.stats()).toMatchObject({ abandoned: 0, lateSettlements: 1 });
  });

  it('promise C4 higher priority first, first in first out within one, and fair turns among services', async () => {
    const started: string[] = [];
    const record = (task: string): void => {
      started.push(task);
    };
    const { orchestrator } = simulated({
      services: { a: record, b: record },
      config: config({ maxParallel: 1, startPaused: true }),
    });
    for (const task of ['a1', 'a2', 'a3']) void orchestrator.execute(task, { service: 'a' });
    for (const task of ['b1', 'b2']) void orchestrator.execute(task, { service: 'b' });
    void orchestrator.execute('urgent', { service: 'b', priority: 1 });
    await drained();
    orchestrator.resume();
    await orchestrator.onIdle();
    expect(started[0]).toBe('urgent');
    expect(started.slice(1)).toEqual(['a1', 'b1', 'a2', 'b2', 'a3']);
  });

  it('promise C4 a service whose instances are all taken does not block another', async () => {
    const slow = manualService();
    const { orchestrator } = simulated({
      services: { slow: { service: slow, concurrency: 1 }, quick: (task) => task },
      config: config({ maxParallel: 2 }),
    });
    for (const task of ['s1', 's2', 's3']) void orchestrator.execute(task, { service: 'slow' });
    const quick = await orchestrator.execute('q', { service: 'quick' });
    expect(quick.success).toBe(true);
    expect(slow.calls).toHaveLength(1);
  });

  it('promise C5 a raised limit starts waiting tasks at once', async () => {
    const service = manualService();
    const { orchestrator } = simulated({ services: { only: service }, config: config({ maxParallel: 1 }) });
    void orchestrator.executeParallel(['a', 'b', 'c']);
    await drained();
    expect(service.calls).toHaveLength(1);
    orchestrator.setMaxParallel(3);
    await drained();
    expect(service.calls).toHaveLength(3);
  });

  it('promise C6 cancel of a queued task answers at once and the task never starts', async () => {
    const service = manualService();
    const { orchestrator } = simulated({ services: { only: service }, config: config({ maxParallel: 1 }) });
    void orchestrator.execute('first');
    const waiting = orchestrator.submit('waiting');
    await drained();
    waiting.cancel(new Error('changed my mind'));
    expect(await waiting.result()).toMatchObject({
      status: 'cancelled',
      errorCode: 'CANCELLED',
      attempts: 0,
    });
    service.calls[0]?.resolve();
    await drained();
    expect(service.calls).toHaveLength(1);
  });

  it('promise C6 cancel of a busy task answers at once and fires its signal', async () => {
    const service = manualService();
    const { orchestrator } = simulated({ services: { only: service }, config: config() });
    const handle = orchestrator.submit('work');
    await drained();
    const { signal } = service.calls[0]?.context ?? {};
    const reason = new Error('enough');
    handle.cancel(reason);
    expect(await handle.result()).toMatchObject({ status: 'cancelled', attempts: 1 });
    expect(signal?.reason).toBe(reason);
    expect(orchestrator.stats()).toMatchObject({ running: 0, abandoned: 1 });
  });

  it('promise C6 cancel of a task in backoff answers at once and no further attempt starts', async () => {
    const service = manualService();
    const { orchestrator, advance, clock } = simulated({ services: { only: service }, config: config() });
    const handle = orchestrator.submit('work');
    await drained();
    service.calls[0]?.reject(new Error('flaky'));
    await drained();
    expect(handle.status()).toBe('retrying');
    expect(orchestrator.listServices()[0]).toMatchObject({ state: 'retrying', instances: { retrying: 1 } });
    const before = clock.now();
    handle.cancel();
    expect(await handle.result()).toMatchObject({ status: 'cancelled', attempts: 1 });
    expect(clock.now()).toBe(before);
    await advance(60_000);
    expect(service.calls).toHaveLength(1);
    expect(orchestrator.listServices()[0]?.instances).toEqual({ idle: 1, busy: 0, retrying: 0, failed: 0 });
  });

  it('promise C6 an already aborted signal never queues the task', async () => {
    const service = manualService();
    const { orchestrator } = simulated({ services: { only: service } });
    const result = await orchestrator.execute('work', { signal: AbortSignal.abort() });
    expect(result.status).toBe('cancelled');
    await drained();
    expect(service.calls).toHaveLength(0);
  });

  it('promise C7 the attempt timeout does not count the time in the queue', async () => {
    const service = manualService();
    const { orchestrator, advance } = simulated({
      services: { only: service },
      config: config({ maxParallel: 1, timeoutSeconds: 10, maxRetries: 0 }),
    });
    const first = orchestrator.execute('first');
    const second = orchestrator.execute('second');
    await advance(9_000);
    service.calls[0]?.resolve('one');
    expect(await first).toMatchObject({ success: true, executionTime: 9 });
    await advance(9_000);
    service.calls[1]?.resolve('two');
    expect(await second).toMatchObject({ success: true, queueTime: 9, executionTime: 9 });
  });

  it('promise C7 queueTimeoutSeconds ends the waiting, deadlineSeconds the whole task', async () => {
    const service = manualService();
    const { orchestrator, advance } = simulated({
      services: { only: service },
      config: config({ maxParallel: 1 }),
    });
    const running = orchestrator.execute('running', { deadlineSeconds: 30 });
    const impatient = orchestrator.execute('impatient', { queueTimeoutSeconds: 5 });
    const limited = orchestrator.execute('limited', { deadlineSeconds: 20 });
    await advance(5_000);
    expect(await impatient).toMatchObject({ status: 'timed_out', errorCode: 'QUEUE_TIMEOUT', attempts: 0 });
    await advance(15_000);
    expect(await limited).toMatchObject({ status: 'timed_out', errorCode: 'TIMEOUT', attempts: 0 });
    expect(service.calls[0]?.context.deadline).toBe(30);
    await advance(10_000);
    expect(await running).toMatchObject({ status: 'timed_out', errorCode: 'TIMEOUT', attempts: 1 });
    expect(service.calls[0]?.context.signal.aborted).toBe(true);
  });

  it('promise C8 only retryable failures are retried, at most maxRetries times, with full jitter', async () => {
    const service = manualService();
    const { orchestrator, advance } = simulated({
      services: { only: service },
      config: config({ maxRetries: 2, backoffBaseSeconds: 1, circuitFailures: 100 }),
    });
    const result = orchestrator.execute('work');
    await drained();
    service.calls[0]?.reject(new Error('one'));
    await advance(499);
    expect(service.calls).toHaveLength(1);
    await advance(1); // 0.5 * 1 s
    expect(service.calls).toHaveLength(2);
    service.calls[1]?.reject(new Error('two'));
    await advance(1_000); // 0.5 * 2 s
    expect(service.calls.map(({ context }) => context.attempt)).toEqual([1, 2, 3]);
    service.calls[2]?.reject(new Error('three'));
    expect(await result).toMatchObject({ status: 'failed', attempts: 3, executionTime: 1.5 });

    const final = orchestrator.execute('wrong');
    await drained();
    service.calls[3]?.reject({ code: 'INVALID_INPUT', message: 'no such file', retryable: false });
    expect(await final).toMatchObject({ status: 'failed', errorCode: 'INVALID_INPUT', attempts: 1 });
  });

  it('promise C8 a task in backoff holds no parallel slot and comes back before new tasks', async () => {
    const service = manualService();
    const { orchestrator, advance } = simulated({
      services: { only: { service, concurrency: 5 } },
      config: config({ maxParallel: 1, backoffBaseSeconds: 1 }),
    });
    void orchestrator.executeParallel(['flaky', 'second', 'third']);
    await drained();
    service.calls[0]?.reject(new Error('flaky'));
    await drained();
    // The slot went to the next task although the first is not settled.
    expect(service.open().map(({ task }) => task)).toEqual(['second']);
    expect(orchestrator.stats()).toMatchObject({ running: 1, retrying: 1, queued: 1 });
    await advance(500);
    service.calls[1]?.resolve();
    await drained();
    expect(service.open().map(({ task }) => task)).toEqual(['flaky']);
  });

  it('promise C8 a Retry-After longer than the backoff is honoured', async () => {
    const service = manualService();
    const { orchestrator, advance } = simulated({ services: { only: service }, config: config() });
    void orchestrator.execute('work');
    await drained();
    service.calls[0]?.reject({
      code: 'SERVICE_FAILED',
      message: 'slow down',
      retryable: true,
      data: { status: 429, retryAfterSeconds: 7 },
    });
    await advance(6_999);
    expect(service.calls).toHaveLength(1);
    await advance(1);
    expect(service.calls).toHaveLength(2);
  });

  it('promise C9 repeated failures open the circuit, waiting tasks move on, one probe closes it again', async () => {
    const main = manualService();
    const spare = manualService();
    const { orchestrator, advance } = simulated({
      services: {
        main: { service: main, keywords: ['paint'] },
        spare: { service: spare, keywords: ['paint'] },
      },
      config: config({ maxParallel: 1, maxRetries: 0, circuitFailures: 2, confidenceThreshold: 0.3 }),
    });
    const results = orchestrator.executeParallel(['paint 1', 'paint 2', 'paint 3']);
    await drained();
    main.calls[0]?.reject(new Error('down'));
    await drained();
    main.calls[1]?.reject(new Error('down'));
    await drained();
    expect(orchestrator.listServices()[0]).toMatchObject({ state: 'failed', instances: { failed: 1 } });
    expect(spare.open().map(({ task }) => task)).toEqual(['paint 3']);
    spare.calls[0]?.resolve('ok');
    expect((await results).map(({ serviceName }) => serviceName)).toEqual(['main', 'main', 'spare']);

    await advance(5_000);
    const probe = orchestrator.execute('paint 4');
    await drained();
    expect(main.open().map(({ task }) => task)).toEqual(['paint 4']);
    main.calls[2]?.resolve('fine');
    expect(await probe).toMatchObject({ success: true, serviceName: 'main' });
    expect(orchestrator.listServices()[0]).toMatchObject({ state: 'idle', retryAt: null });
  });

  it('promise C10 a busy best candidate queues the task instead of spilling it to another service', async () => {
    const best = manualService();
    const other = manualService();
    const { orchestrator } = simulated({
      services: { best: { service: best, keywords: ['paint'], concurrency: 1 }, other },
      config: config({ fallbackService: 'other' }),
    });
    void orchestrator.execute('paint a');
    await drained();
    void orchestrator.execute('paint b');
    await drained();
    expect(best.calls).toHaveLength(1);
    expect(other.calls).toHaveLength(0);
    expect(orchestrator.listServices()[0]?.queued).toBe(1);
  });

  it('promise C11 a full mailbox answers QUEUE_FULL and displaces nobody', async () => {
    const service = manualService();
    const { orchestrator } = simulated({
      services: { only: service },
      config: config({ maxParallel: 1, mailboxCapacity: 2, startPaused: true }),
    });
    const handles = ['a', 'b', 'c'].map((task) => orchestrator.submit(task));
    expect(await handles[2]?.result()).toMatchObject({
      status: 'rejected',
      errorCode: 'QUEUE_FULL',
      errorDetails: { service: 'only', mailboxCapacity: 2 },
    });
    expect(orchestrator.stats()).toMatchObject({ queued: 2, rejected: 1 });
  });

  it('promise C12 a batch answers in input order, a stream in order of completion', async () => {
    const service = manualService();
    const { orchestrator } = simulated({ services: { only: service } });
    const batch = orchestrator.executeParallel(['a', 'b']);
    await drained();
    service.calls[1]?.resolve('b');
    await drained();
    service.calls[0]?.resolve('a');
    expect((await batch).map(({ result }) => result)).toEqual(['a', 'b']);

    const seen: unknown[] = [];
    const streaming = (async () => {
      for await (const { result } of orchestrator.stream(['c', 'd'])) seen.push(result);
    })();
    await drained();
    service.calls[3]?.resolve('d');
    await drained();
    expect(seen).toEqual(['d']);
    service.calls[2]?.resolve('c');
    await streaming;
    expect(seen).toEqual(['d', 'c']);
  });

  it('promise C13 the same key joins a live task, replays a finished one and refuses other input', async () => {
    const service = manualService();
    const { orchestrator } = simulated({ services: { only: service } });
    const options = { idempotencyKey: 'k', kwargs: { page: 1 } };
    const first = orchestrator.execute('work', options);
    const joined = orchestrator.execute('work', { ...options });
    await drained();
    expect(service.calls).toHaveLength(1);
    service.calls[0]?.resolve('once');
    expect(await joined).toEqual(await first);
    expect((await orchestrator.execute('work', options)).result).toBe('once');
    const other = await orchestrator.execute('work', { ...options, kwargs: { page: 2 } });
    expect(other).toMatchObject({ status: 'rejected', errorCode: 'IDEMPOTENCY_CONFLICT' });
    expect(service.calls).toHaveLength(1);
  });

  it('promise C14 throwing listeners, inspectors and progress listeners change nothing', async () => {
    const fault = (): never => {
      throw new Error('observer');
    };
    const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };
    const { orchestrator } = simulated({
      services: { only: (_task, { progress }) => progress(0.5, 'half') },
      log,
      inspect: fault,
    });
    orchestrator.on('completed', fault).on('add', fault);
    const result = await orchestrator.execute('work', { onProgress: fault });
    expect(result.success).toBe(true);
    expect(log.warn).toHaveBeenCalled();
    expect(orchestrator.actor.getSnapshot().status).toBe('active');
  });

  it('promise C16 a result larger than maxResultBytes is RESULT_TOO_LARGE with a preview', async () => {
    const { orchestrator } = simulated({
      services: { only: () => 'x'.repeat(5_000) },
      config: config({ maxResultBytes: 4_000 }),
    });
    const result = await orchestrator.execute('work');
    expect(result).toMatchObject({
      status: 'failed',
      errorCode: 'RESULT_TOO_LARGE',
      result: null,
      attempts: 1,
    });
    expect(result.errorDetails?.preview).toHaveLength(1024);
  });

  it('promise C17 close refuses the new, lets accepted work end and cancels the rest after drainSeconds', async () => {
    const service = manualService();
    const closed = vi.fn();
    const { orchestrator, advance } = simulated({
      services: { only: { execute: service.execute, close: closed } },
      config: config({ maxParallel: 1 }),
    });
    const results: Promise<TaskResult>[] = ['ends', 'hangs', 'waits'].map((task) =>
      orchestrator.execute(task),
    );
    await drained();
    const closing = orchestrator.close({ drainSeconds: 3 });
    const late = await orchestrator.execute('late');
    expect(late).toMatchObject({ status: 'rejected', errorCode: 'SHUTTING_DOWN' });
    service.calls[0]?.resolve('done');
    await advance(3_000);
    await closing;
    const [ends, hangs, waits] = await Promise.all(results);
    expect(ends?.status).toBe('completed');
    expect(hangs).toMatchObject({ status: 'cancelled', errorCode: 'SHUTTING_DOWN', attempts: 1 });
    expect(waits).toMatchObject({ status: 'cancelled', errorCode: 'SHUTTING_DOWN', attempts: 0 });
    expect(closed).toHaveBeenCalledTimes(1);
    expect(await orchestrator.execute('after')).toMatchObject({ errorCode: 'SHUTTING_DOWN' });
  });

  it('promise C17 close of an idle orchestrator leaves no timer behind', async () => {
    const before = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const orchestrator = createOrchestrator({ services: { echo: (task) => task } });
    await orchestrator.execute('hello');
    await orchestrator.close();
    expect(process.getActiveResourcesInfo().filter((name) => name === 'Timeout')).toHaveLength(before);
  });

  it('promise C18 when a caller learns of a result the slot is free and the counters are true', async () => {
    const { orchestrator } = simulated({
      services: { only: (task) => task },
      config: config({ maxParallel: 1 }),
    });
    const seen = orchestrator.execute('a').then(() => orchestrator.stats());
    expect(await seen).toMatchObject({ running: 0, queued: 0, completed: 1 });
  });
});

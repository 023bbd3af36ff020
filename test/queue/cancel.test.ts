import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import {
  config,
  drained,
  expectAtRest,
  expectBooksToBalance,
  expectNothingUnhandled,
  manualService,
  numbered,
  simulated,
} from './support.js';

expectNothingUnhandled();

const listenersOf = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;

describe('queue cancel', () => {
  it('fault C7 a signal already aborted: never queued, takes no place, no listener', async () => {
    const service = manualService();
    const { orchestrator } = simulated({
      services: { only: service },
      config: config({ startPaused: true, mailboxCapacity: 1 }),
    });
    const seen: string[] = [];
    orchestrator.on('event', ({ type }) => seen.push(type));
    const reason = new Error('before it began');
    const signal = AbortSignal.abort(reason);
    for (const task of numbered(5)) {
      const result = await orchestrator.execute(task, { signal });
      expect(result).toMatchObject({ status: 'cancelled', attempts: 0, queueTime: 0, route: null });
      expect(result.error).toContain('before it began');
    }
    expect(seen.filter((type) => type === 'queued')).toEqual([]);
    expect(listenersOf(signal)).toBe(0);
    expect(orchestrator.submit('fits').status()).toBe('queued');
    await drained();
    expect(orchestrator.stats()).toMatchObject({ queued: 1, cancelled: 5, rejected: 0 });
    expectBooksToBalance(orchestrator);
  });

  it('aborted while waiting: gone at once, also on a paused queue, which stays paused', async () => {
    const service = manualService();
    const { orchestrator } = simulated({
      services: { only: service },
      config: config({ startPaused: true }),
    });
    const controller = new AbortController();
    const result = orchestrator.execute('work', { signal: controller.signal });
    const idle = orchestrator.onIdle();
    await drained();
    controller.abort();
    expect(orchestrator.stats()).toMatchObject({ queued: 0, cancelled: 1, isPaused: true });
    expect((await result).status).toBe('cancelled');
    await idle;
    orchestrator.resume();
    await drained();
    expect(service.calls).toHaveLength(0);
  });

  it('exactly that task, even beside others of the same text', async () => {
    const order: unknown[] = [];
    const { orchestrator } = simulated({
      services: { only: (_task, { kwargs }) => void order.push(kwargs.number) },
      config: config({ startPaused: true, maxParallel: 1 }),
    });
    const handles = [0, 1, 2, 3].map((number) => orchestrator.submit('same', { kwargs: { number } }));
    await drained();
    handles[2]?.cancel();
    orchestrator.resume();
    await orchestrator.onIdle();
    expect(order).toEqual([0, 1, 3]);
    expect(handles.map((handle) => handle.status())).toEqual([
      'completed',
      'completed',
      'cancelled',
      'completed',
    ]);
  });

  it.each([
    ['an error', new Error('enough'), 'enough'],
    ['a text', 'enough', 'enough'],
    ['nothing', undefined, 'cancelled'],
    ['an object that cannot be read', Object.create(null), 'cancelled'],
  ])('the reason is told and reaches the running code: %s', async (_, reason, text) => {
    const service = manualService();
    const { orchestrator } = simulated({ services: { only: service } });
    const handle = orchestrator.submit('work');
    await drained();
    handle.cancel(reason);
    expect((await handle.result()).error).toContain(text);
    const { signal } = service.calls[0]?.context ?? {};
    if (reason === undefined) expect(signal?.reason).toMatchObject({ code: 'CANCELLED' });
    else expect(signal?.reason).toBe(reason);
  });

  it('an error without words is no reason that is told', async () => {
    const { orchestrator } = simulated({ services: { only: manualService() } });
    const handle = orchestrator.submit('work');
    await drained();
    handle.cancel(new Error());
    expect((await handle.result()).error).toBe('The task was cancelled');
  });

  it('one controller cancels thousands at once, waiting and running, without overflowing the stack', async () => {
    const service = manualService();
    const controller = new AbortController();
    const { signal } = controller;
    const { orchestrator } = simulated({ services: { only: service }, config: config({ maxParallel: 50 }) });
    const results = Array.from({ length: 10_000 }, () => orchestrator.execute('work', { signal }));
    await drained();
    expect(orchestrator.stats()).toMatchObject({ running: 50, queued: 9_950 });
    controller.abort();
    expect(orchestrator.stats()).toMatchObject({ running: 0, queued: 0, abandoned: 50, cancelled: 10_000 });
    expect(listenersOf(signal)).toBe(0);
    expect((await Promise.all(results)).every(({ status }) => status === 'cancelled')).toBe(true);
    expect(service.calls).toHaveLength(50);
    for (const call of service.open()) call.resolve();
    await expectAtRest(orchestrator);
  });

  it('a batch of thousands is cancelled through its own signal', async () => {
    const controller = new AbortController();
    const { orchestrator } = simulated({
      services: { only: manualService() },
      config: config({ maxParallel: 5 }),
    });
    const batch = orchestrator.executeParallel(numbered(5_000), {
      signal: controller.signal,
      maxParallel: 10,
    });
    await drained();
    controller.abort(new Error('stop'));
    const results = await batch;
    expect(results).toHaveLength(5_000);
    expect(results.every(({ status }) => status === 'cancelled')).toBe(true);
    expectBooksToBalance(orchestrator);
  });

  it('a cancelled task is neither completed nor an error, but an end', async () => {
    const { orchestrator } = simulated({
      services: { only: manualService() },
      config: config({ maxParallel: 1 }),
    });
    const seen: string[] = [];
    for (const name of ['completed', 'error', 'next'] as const) orchestrator.on(name, () => seen.push(name));
    const handles = ['busy', 'waiting'].map((task) => orchestrator.submit(task));
    await drained();
    for (const handle of [...handles].reverse()) handle.cancel();
    await drained();
    expect(seen).toEqual(['next', 'next']);
  });

  it('the caller’s listener goes when the task ends, however it ends', async () => {
    const { signal } = new AbortController();
    const service = manualService();
    const { orchestrator, advance } = simulated({
      services: { only: service },
      config: config({ maxParallel: 3, maxRetries: 1, timeoutSeconds: 10 }),
    });
    const submit = (options: object = {}) => orchestrator.submit('work', { signal, ...options });
    const ends = [
      submit(),
      submit(),
      submit(),
      submit({ queueTimeoutSeconds: 1 }),
      submit({ deadlineSeconds: 1 }),
    ];
    ends.push(
      submit({ service: 'nobody' }),
      submit({ idempotencyKey: 'k' }),
      submit({ idempotencyKey: 'k' }),
    );
    await drained();
    service.calls[0]?.resolve();
    service.calls[1]?.reject({ message: 'no', retryable: false });
    ends[2]?.cancel();
    await advance(1_000);
    await advance(10_000);
    for (let step = 0; step < 40; step += 1) {
      await advance(1_000);
      for (const call of service.open()) call.resolve();
    }
    await drained();
    // Replays find the task settled.
    await orchestrator.execute('work', { signal, idempotencyKey: 'k' });
    expect(ends.map((handle) => handle.status())).not.toContain('queued');
    expect(listenersOf(signal)).toBe(0);
  });

  it('the job gets a signal of its own, for each attempt', async () => {
    const service = manualService();
    const controller = new AbortController();
    const { orchestrator, advance } = simulated({
      services: { only: service },
      config: config({ timeoutSeconds: 1, backoffBaseSeconds: 1 }),
    });
    const handle = orchestrator.submit('work', { signal: controller.signal });
    await advance(1_000);
    await advance(500);
    const [first, second] = service.calls.map(({ context }) => context.signal);
    expect(first).not.toBe(controller.signal);
    expect(first).not.toBe(second);
    expect([first?.aborted, second?.aborted, controller.signal.aborted]).toEqual([true, false, false]);
    controller.abort('now');
    expect(second?.reason).toBe('now');
    expect((await handle.result()).status).toBe('cancelled');
  });

  it('a signal that is first read after the cancel is aborted already', async () => {
    let read: AbortSignal | undefined;
    const { orchestrator } = simulated({
      services: {
        only: async (_task, context) => {
          await drained();
          await drained();
          read = context.signal;
        },
      },
    });
    const handle = orchestrator.submit('work');
    await Promise.resolve();
    await Promise.resolve();
    handle.cancel('early');
    await handle.result();
    await drained();
    await drained();
    await drained();
    expect(read?.aborted).toBe(true);
    expect(read?.reason).toBe('early');
  });
});

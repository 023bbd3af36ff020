import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import {
  config,
  drained,
  expectAtRest,
  expectNothingUnhandled,
  manualService,
  numbered,
  simulated,
  watched,
} from './support.js';

expectNothingUnhandled();

const listenersOf = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;

describe('queue control', () => {
  it('may start paused; start is idempotent and chainable', async () => {
    const service = manualService();
    const { orchestrator } = simulated({
      services: { only: service },
      config: config({ startPaused: true, maxParallel: 2 }),
    });
    void orchestrator.executeParallel(numbered(3));
    await drained();
    expect(orchestrator.isPaused).toBe(true);
    expect(service.calls).toHaveLength(0);
    expect(orchestrator.resume().resume().resume()).toBe(orchestrator);
    await drained();
    expect(orchestrator.isPaused).toBe(false);
    expect(service.calls).toHaveLength(2);
    expect(orchestrator.pause().pause()).toBe(orchestrator);
    expect(orchestrator.clear()).toBe(orchestrator);
    expect(orchestrator.setMaxParallel(3)).toBe(orchestrator);
    expect(orchestrator.setTimeoutSeconds(3)).toBe(orchestrator);
  });

  it('pause lets running tasks end and starts nothing', async () => {
    const service = manualService();
    const { orchestrator } = simulated({ services: { only: service }, config: config({ maxParallel: 2 }) });
    const results = orchestrator.executeParallel(numbered(4));
    await drained();
    orchestrator.pause();
    service.calls[0]?.resolve();
    service.calls[1]?.resolve();
    await drained();
    expect(orchestrator.stats()).toMatchObject({ running: 0, queued: 2, completed: 2, isPaused: true });
    void orchestrator.execute('more');
    await drained();
    expect(service.calls).toHaveLength(2);
    orchestrator.resume();
    await drained();
    expect(service.calls).toHaveLength(4);
    for (const call of service.open()) call.resolve();
    await drained();
    service.open()[0]?.resolve();
    expect(await results).toHaveLength(4);
  });

  it('pause and resume before anything was submitted, and in one tick, change nothing', async () => {
    const { orchestrator } = simulated({ services: { only: (task) => task } });
    orchestrator.pause().resume();
    const result = orchestrator.execute('a');
    orchestrator.pause().resume();
    expect((await result).success).toBe(true);
  });

  it('a paused queue lets due retries wait too', async () => {
    const service = manualService();
    const { orchestrator, advance } = simulated({ services: { only: service }, config: config() });
    void orchestrator.execute('a');
    await drained();
    service.calls[0]?.reject(new Error('flaky'));
    await drained();
    orchestrator.pause();
    await advance(60_000);
    expect(service.calls).toHaveLength(1);
    expect(orchestrator.stats()).toMatchObject({ retrying: 1, running: 0 });
    orchestrator.resume();
    await drained();
    expect(service.calls).toHaveLength(2);
  });

  it('clear settles what waits as cancelled, keeps what runs, and resolves waiters', async () => {
    const service = manualService();
    const { orchestrator } = simulated({ services: { only: service }, config: config({ maxParallel: 1 }) });
    const running = orchestrator.execute('running');
    const waiting = numbered(3).map((task) => orchestrator.execute(task));
    await drained();
    // What was submitted in the very same tick waits as well.
    waiting.push(orchestrator.execute('just now'));
    const empty = watched(orchestrator.onEmpty());
    const reason = new Error('never mind');
    orchestrator.clear(reason);
    for (const result of await Promise.all(waiting)) {
      expect(result).toMatchObject({ status: 'cancelled', errorCode: 'CANCELLED', attempts: 0 });
      expect(result.error).toContain('never mind');
    }
    await drained();
    expect(empty.isDone()).toBe(true);
    expect(orchestrator.stats()).toMatchObject({ running: 1, queued: 0, cancelled: 4 });
    service.calls[0]?.resolve('kept');
    expect((await running).result).toBe('kept');
    await expectAtRest(orchestrator);
  });

  it('clear drops tasks that wait for their route, on a paused queue too, and the queue goes on', async () => {
    const { orchestrator } = simulated({
      services: { only: (task) => task },
      strategy: (task) => (task === 'slow' ? new Promise(() => {}) : [['only', 1]]),
      config: config({ startPaused: true }),
    });
    const routing = orchestrator.execute('slow');
    const waiting = orchestrator.execute('waiting');
    await drained();
    orchestrator.clear();
    expect([(await routing).status, (await waiting).status]).toEqual(['cancelled', 'cancelled']);
    expect(orchestrator.isPaused).toBe(true);
    const next = orchestrator.execute('next');
    orchestrator.resume();
    expect((await next).success).toBe(true);
    orchestrator.clear();
    await expectAtRest(orchestrator);
  });

  it('clear removes the abort listeners of what it dropped, over any number of cycles; the signal stays of use', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const service = manualService();
    const { orchestrator } = simulated({ services: { only: service }, config: config({ maxParallel: 1 }) });
    const running = orchestrator.submit('running', { signal });
    await drained();
    const base = listenersOf(signal);
    for (let cycle = 0; cycle < 20; cycle += 1) {
      for (const task of numbered(10)) void orchestrator.execute(task, { signal });
      if (cycle % 2 === 0) await drained();
      orchestrator.clear();
      await drained();
      expect(listenersOf(signal)).toBe(base);
    }
    const waiting = orchestrator.submit('waiting', { signal });
    await drained();
    controller.abort(new Error('all of you'));
    expect([running.status(), waiting.status()]).toEqual(['cancelled', 'cancelled']);
    expect(service.calls[0]?.context.signal.aborted).toBe(true);
    expect(listenersOf(signal)).toBe(0);
  });
});

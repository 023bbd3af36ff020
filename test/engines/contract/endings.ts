import { expect } from 'vitest';
import { manualService } from '../../support/simulation.js';
import type { Suite } from './suite.js';

/** What ends a task from outside its attempt: time limits and callers. */
export function endings(suite: Suite): void {
  suite.test('keeps three clocks apart: waiting, attempt, whole task', async ({ open, fresh }) => {
    const service = manualService();
    const { orchestrator, advance, until } = await open(fresh(), {
      services: { only: { service, concurrency: 1 } },
      config: { maxRetries: 0 },
    });
    const attempt = orchestrator.execute('a', { timeoutSeconds: 1 });
    await until(() => service.calls.length === 1);
    const waiting = orchestrator.execute('b', { queueTimeoutSeconds: 0.3 });
    const whole = orchestrator.execute('c', { deadlineSeconds: 1.5 });
    await advance(301);
    expect(await waiting).toMatchObject({ status: 'timed_out', errorCode: 'QUEUE_TIMEOUT', attempts: 0 });
    await advance(700);
    expect(await attempt).toMatchObject({ status: 'timed_out', errorCode: 'TIMEOUT', attempts: 1 });
    expect(service.calls[0]?.context.signal.aborted).toBe(true);
    await advance(500);
    // The instance is kept by the first attempt, whose code ignores its signal.
    expect(await whole).toMatchObject({ status: 'timed_out', errorCode: 'TIMEOUT' });
    expect(service.calls).toHaveLength(1);
  });

  suite.test('ends an attempt at the deadline, and begins no backoff beyond it', async ({ open, fresh }) => {
    const service = manualService();
    const { orchestrator, advance, until } = await open(fresh(), {
      services: { only: service },
      config: { backoffBaseSeconds: 60, maxParallel: 2 },
    });
    const [running, resting] = ['running', 'resting'].map((task) =>
      orchestrator.execute(task, { deadlineSeconds: 0.5 }),
    );
    await until(() => service.calls.length === 2);
    service.calls.find(({ task }) => task === 'resting')?.reject(new Error('again'));
    await advance(501);
    const results = await Promise.all([running, resting]);
    expect(results.map((result) => [result?.status, result?.attempts])).toEqual([
      ['timed_out', 1],
      ['failed', 1],
    ]);
    await until(() => service.open().every(({ context }) => context.signal.aborted));
  });

  suite.test(
    suite.engine.capabilities.distributed
      ? 'cancels a task in every state, at once; of one that runs elsewhere status() says that it waits'
      : 'cancels a task in every state, at once',
    async ({ capabilities, open, fresh }) => {
      const service = manualService();
      const { orchestrator, until, rest } = await open(fresh(), {
        services: { only: { service, concurrency: 2 } },
        config: { maxParallel: 1, backoffBaseSeconds: 60 },
      });
      const backoff = orchestrator.submit('backoff');
      await until(() => service.open().length === 1);
      service.open()[0]?.reject(new Error('again'));
      await rest();
      const running = orchestrator.submit('running');
      await until(() => service.open().length === 1);
      const queued = orchestrator.submit('queued');
      await rest();
      const newcomer = orchestrator.submit('newcomer');
      expect([backoff.status(), running.status(), queued.status()]).toEqual(
        capabilities.distributed ? ['queued', 'queued', 'queued'] : ['retrying', 'running', 'queued'],
      );
      for (const handle of [newcomer, queued, running, backoff]) handle.cancel('enough');
      const results = await Promise.all([backoff, running, queued, newcomer].map((it) => it.result()));
      expect(results.map(({ status }) => status)).toEqual(Array(4).fill('cancelled'));
      expect(results[0]?.error).toContain('enough');
      await until(() => service.calls[1]?.context.signal.aborted === true);
      await rest();
      expect(service.calls.map(({ task }) => task)).toEqual(['backoff', 'running']);
      running.cancel('too late');
      expect((await running.result()).status).toBe('cancelled');
    },
  );

  suite.test('has its slots back after cancels', async ({ open, fresh }) => {
    const service = manualService();
    const { orchestrator, until } = await open(fresh(), {
      services: { only: service },
      config: { maxParallel: 1 },
    });
    const running = orchestrator.submit('running');
    const waiting = orchestrator.submit('waiting');
    await until(() => service.calls.length === 1);
    running.cancel();
    waiting.cancel();
    await Promise.all([running.result(), waiting.result()]);
    for (const call of service.open()) call.resolve();
    const last = orchestrator.execute('last');
    await until(() => service.calls.at(-1)?.task === 'last');
    service.calls.at(-1)?.resolve('done');
    expect((await last).result).toBe('done');
  });

  suite.test('cancels by id, and says whether there was anything to cancel', async ({ open, fresh }) => {
    const service = manualService();
    const { orchestrator, until } = await open(fresh(), { services: { only: service } });
    const result = orchestrator.execute('x', { taskId: 'mine' });
    await until(() => service.calls.length === 1);
    expect(orchestrator.cancel('mine')).toBe(true);
    expect((await result).status).toBe('cancelled');
    expect([orchestrator.cancel('mine'), orchestrator.cancel('nobody')]).toEqual([false, false]);
  });

  suite.test('a signal cancels, also one that has fired before', async ({ open, fresh }) => {
    const service = manualService();
    const { orchestrator, until } = await open(fresh(), { services: { only: service } });
    const caller = new AbortController();
    const result = orchestrator.execute('x', { signal: caller.signal });
    await until(() => service.calls.length === 1);
    caller.abort(new Error('left'));
    expect((await result).status).toBe('cancelled');
    expect((await orchestrator.execute('x', { signal: AbortSignal.abort() })).status).toBe('cancelled');
  });

  suite.test('a task that is cancelled before it is refused is not accepted', async ({ open, fresh }) => {
    const { orchestrator } = await open(fresh(), { services: { only: (task) => task } });
    const handle = orchestrator.submit('x', { kwargs: { since: new Date() } });
    handle.cancel();
    expect(await handle.accepted()).toBe(!suite.engine.capabilities.durable);
    expect((await handle.result()).status).toBe('cancelled');
  });

  suite.test('a task whose signal was aborted before is not accepted', async ({ open, fresh }) => {
    const { orchestrator } = await open(fresh(), { services: { only: (task) => task } });
    const handle = orchestrator.submit('x', { signal: AbortSignal.abort() });
    expect(await handle.accepted()).toBe(false);
    expect((await handle.result()).status).toBe('cancelled');
  });

  suite.test(
    suite.engine.capabilities.distributed
      ? 'clear() leaves what is on its way to other processes'
      : 'clear() answers what waits, in the turn of its submission too',
    async ({ capabilities, open, fresh }) => {
      const { orchestrator } = await open(fresh(), {
        services: { only: (task) => task },
        config: { maxParallel: 1 },
      });
      const handles = ['a', 'b', 'c'].map((task) => orchestrator.submit(task));
      orchestrator.clear();
      const results = await Promise.all(handles.map((handle) => handle.result()));
      const waited = capabilities.distributed ? 'completed' : 'cancelled';
      expect(results.map(({ status }) => status)).toEqual(['completed', waited, waited]);
    },
  );
}

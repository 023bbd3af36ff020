import { expect, vi } from 'vitest';
import { OrchestratorError } from '../../../src/index.js';
import { manualService } from '../../support/simulation.js';
import type { Suite } from './suite.js';

/** What is there after the end of a task, and of a process. */
export function keeping(suite: Suite): void {
  const { durable, keepsTasks } = suite.engine.capabilities;

  suite.test(
    durable
      ? 'restart: replays the result of a key, and refuses other input under it'
      : 'restart: forgets everything',
    async ({ open, fresh }) => {
      const options = fresh();
      const first = await open(options, { services: { echo: (task) => ({ said: task }) } });
      await first.orchestrator.execute('hi', { idempotencyKey: 'k' });
      await first.close();
      const { orchestrator } = await open(options, { services: { echo: () => 'other' } });
      const again = await orchestrator.execute('hi', { idempotencyKey: 'k' });
      expect(again.result).toEqual(durable ? { said: 'hi' } : 'other');
      const other = await orchestrator.execute('ho', { idempotencyKey: durable ? 'k' : 'l' });
      expect(other.errorCode).toBe(durable ? 'IDEMPOTENCY_CONFLICT' : null);
    },
  );

  suite.test(
    durable
      ? 'restart: runs what had not started, with its kwargs and under its key'
      : 'restart: runs nothing of what was open',
    async ({ open, fresh }) => {
      const options = fresh();
      const before = manualService();
      const first = await open(options, { services: { only: before }, config: { maxParallel: 1 } });
      void first.orchestrator.execute('a');
      await first.until(() => before.calls.length === 1);
      const asked = { idempotencyKey: 'k', kwargs: { n: 1 } };
      const waiting = first.orchestrator.submit('b', asked);
      await waiting.accepted();
      await first.close();
      expect((await waiting.result()).errorDetails?.kept ?? false).toBe(durable);

      const after = manualService();
      const { orchestrator, until, rest } = await open(options, { services: { only: after } });
      if (!durable) {
        await rest();
        expect(after.calls).toHaveLength(0);
        return;
      }
      const joined = orchestrator.execute('b', asked);
      const calls = () => after.open().filter(({ task }) => task === 'b');
      await until(() => calls().length === 1);
      expect(calls()[0]?.context).toMatchObject({ kwargs: { n: 1 }, idempotencyKey: 'k', attempt: 1 });
      calls()[0]?.resolve('done');
      expect((await joined).result).toBe('done');
    },
  );

  if (!keepsTasks) {
    suite.test('says clearly that it keeps no tasks', async ({ name, open, fresh }) => {
      const { orchestrator } = await open(fresh());
      expect(() => orchestrator.kept).toThrow(
        `The engine "${name}" keeps no tasks beyond their end; create the orchestrator with engine: { kind: 'journal', path }.`,
      );
    });
    return;
  }

  suite.test('restart: runs what close() without a drain kept from beginning', async ({ open, fresh }) => {
    const options = fresh();
    const began: string[] = [];
    let isClosing = false;
    const first = await open(options, {
      services: {
        only: (task) => {
          began.push(task);
          if (!isClosing) void first.orchestrator.close({ drainSeconds: 0 });
          isClosing = true;
          return new Promise(() => {});
        },
      },
      config: { maxParallel: 4 },
    });
    const tasks = ['a', 'b', 'c', 'd', 'e', 'f'];
    const results = await Promise.all(tasks.map((task) => first.orchestrator.execute(task)));
    await first.close();
    expect(began).toEqual(['a']);
    expect(results.map(({ errorDetails }) => errorDetails?.kept ?? false)).toEqual([
      false,
      true,
      true,
      true,
      true,
      true,
    ]);
    const after = manualService();
    const { until } = await open(options, { services: { only: after }, config: { maxParallel: 6 } });
    await until(() => after.calls.length === 5);
    expect(after.calls.map(({ task }) => task)).toEqual(['b', 'c', 'd', 'e', 'f']);
  });

  suite.test('restart: runs what close() without a drain found waiting', async ({ open, fresh }) => {
    const options = fresh();
    const before = manualService();
    const first = await open(options, { services: { only: before } });
    const results = [first.orchestrator.execute('a'), first.orchestrator.execute('b')];
    await first.orchestrator.close({ drainSeconds: 0 });
    expect((await Promise.all(results)).map(({ errorDetails }) => errorDetails?.kept)).toEqual([true, true]);
    expect(before.calls).toHaveLength(0);
    const after = manualService();
    const { until } = await open(options, { services: { only: after } });
    await until(() => after.calls.length === 2);
  });

  suite.test('keeps the error of a service whose code is none, and starts again', async ({ open, fresh }) => {
    const options = fresh();
    const first = await open(options, {
      services: {
        odd: () => {
          throw new OrchestratorError(404 as never, 'no page');
        },
      },
      config: { maxRetries: 0 },
    });
    const { taskId, errorCode } = await first.orchestrator.execute('x');
    expect(errorCode).toBe('SERVICE_FAILED');
    await first.close();
    const { orchestrator } = await open(options);
    expect(orchestrator.kept.find(taskId)?.errorCode).toBe('SERVICE_FAILED');
  });

  suite.test('lists as many as are asked for, none for 0', async ({ open, fresh }) => {
    const { orchestrator } = await open(fresh(), { services: { only: (task) => task } });
    await orchestrator.executeParallel(['a', 'b', 'c']);
    expect([0, 2, 9].map((most) => orchestrator.kept.list({ most }).length)).toEqual([0, 2, 3]);
  });

  suite.test('restart: keeps the order, wherever the wall clock was set', async ({ open, fresh }) => {
    const options = fresh();
    const first = await open(options, { services: { only: manualService() }, config: { startPaused: true } });
    const wall = vi.spyOn(Date, 'now');
    for (const [task, ms] of Object.entries({ a: 5_000_000, b: 1_000_000, c: 3_000_000 })) {
      wall.mockReturnValue(ms);
      await first.orchestrator.submit(task).accepted();
    }
    wall.mockRestore();
    await first.close();
    const after = manualService();
    const { until } = await open(options, { services: { only: after } });
    await until(() => after.calls.length === 3);
    expect(after.calls.map(({ task }) => task)).toEqual(['a', 'b', 'c']);
  });

  suite.test(
    'kept.result() has an answer for a task that is refused, or left to the next start',
    async (engine) => {
      const { orchestrator } = await engine.open(engine.fresh(), { services: { only: (task) => task } });
      const refused = orchestrator.submit('x', { kwargs: { since: new Date() } });
      const ofRefused = orchestrator.kept.result(refused.taskId);
      expect(await ofRefused).toEqual(await refused.result());
      orchestrator.pause();
      const left = orchestrator.submit('y');
      expect(await left.accepted()).toBe(true);
      const ofLeft = orchestrator.kept.result(left.taskId);
      await orchestrator.close({ drainSeconds: 0 });
      expect(await ofLeft).toEqual(await left.result());
    },
  );

  suite.test('restart: keeps the order and the ids of what had not started', async ({ open, fresh }) => {
    const options = fresh();
    const before = manualService();
    const first = await open(options, { services: { only: before }, config: { maxParallel: 1 } });
    const tasks = [
      first.orchestrator.execute('a'),
      first.orchestrator.execute('b', { taskId: 'mine', idempotencyKey: 'k', kwargs: { n: 1 } }),
      first.orchestrator.execute('c', { priority: 3 }),
    ];
    await first.rest();
    await first.close();
    const results = await Promise.all(tasks);
    // The one of the highest priority ran; the others are kept.
    expect(results.map(({ errorDetails }) => errorDetails?.kept ?? false)).toEqual([true, true, false]);

    const after = manualService();
    const second = await open(options, { services: { only: after }, config: { maxParallel: 1 } });
    const joined = second.orchestrator.execute('b', { idempotencyKey: 'k', kwargs: { n: 1 } });
    await second.until(() => after.calls.length === 1);
    after.open()[0]?.resolve();
    await second.until(() => after.calls.length === 2);
    expect(after.calls.map(({ task }) => task)).toEqual(['a', 'b']);
    expect(after.calls[1]?.context).toMatchObject({
      taskId: 'mine',
      kwargs: { n: 1 },
      idempotencyKey: 'k',
    });
    after.open()[0]?.resolve('done');
    expect((await joined).result).toBe('done');
    expect(second.orchestrator.kept.find('mine')).toMatchObject({ status: 'completed', task: 'b' });
  });

  suite.test('says the same service of a task, looked at alone or in the list', async ({ open, fresh }) => {
    const { orchestrator } = await open(fresh(), { services: { only: (task) => task } });
    const { taskId } = await orchestrator.execute('x', { service: 'nope' });
    const [listed] = orchestrator.kept.list();
    expect(listed).toMatchObject({ taskId, status: 'rejected', serviceName: null });
    expect(orchestrator.kept.find(taskId)).toMatchObject({ ...listed });
  });

  suite.test('keeps ended tasks, lists them, and tries failed ones again', async ({ open, fresh }) => {
    let isUp = false;
    const { orchestrator } = await open(fresh(), {
      services: { moody: (task) => (isUp ? task : Promise.reject(new Error('down'))) },
      config: { maxRetries: 0 },
    });
    const { taskId } = await orchestrator.execute('x');
    expect(orchestrator.kept.list({ which: 'dead' })).toMatchObject([
      { taskId, status: 'failed', errorCode: 'SERVICE_FAILED', attempts: 1 },
    ]);
    isUp = true;
    expect(await orchestrator.kept.retry(taskId)).toBe(true);
    expect(await orchestrator.kept.result(taskId)).toMatchObject({ taskId, success: true, result: 'x' });
    expect(orchestrator.kept.list({ which: 'dead' })).toEqual([]);
    expect([await orchestrator.kept.retry(taskId), orchestrator.kept.result('nobody')]).toEqual([
      false,
      undefined,
    ]);
  });
}

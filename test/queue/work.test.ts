import { describe, expect, it } from 'vitest';
import {
  config,
  drained,
  expectAtRest,
  expectNothingUnhandled,
  manualService,
  numbered,
  simulated,
} from './support.js';

expectNothingUnhandled();

describe('queue work', () => {
  it('sync and async services mix', async () => {
    const { orchestrator } = simulated({
      services: { sync: (task) => `sync ${task}`, async: async (task) => `async ${task}` },
      config: config({ maxParallel: 1 }),
    });
    const results = await orchestrator.executeParallel(
      ['a', 'b', 'c', 'd'].map((task, index) => ({ task, service: index % 2 === 0 ? 'sync' : 'async' })),
    );
    expect(results.map(({ result }) => result)).toEqual(['sync a', 'async b', 'sync c', 'async d']);
  });

  it('a failure neither stops the queue nor leaks a rejection nobody handles', async () => {
    const { orchestrator } = simulated({
      services: {
        only: (task) => {
          if (task === 'sync') throw new Error('sync');
          return task === 'async' ? Promise.reject(new Error('async')) : task;
        },
      },
      config: config({ maxParallel: 1, maxRetries: 0 }),
    });
    for (const task of ['sync', 'async', 'fine']) void orchestrator.execute(task);
    for (const task of ['sync', 'async', 'fine']) orchestrator.submit(task);
    await orchestrator.onIdle();
    expect(orchestrator.stats()).toMatchObject({ completed: 2, failed: 4 });
    await expectAtRest(orchestrator);
  });

  it('a batch keeps input order whatever ends first', async () => {
    const service = manualService();
    const { orchestrator } = simulated({
      services: { only: service },
      config: config({ maxParallel: 10, maxRetries: 0 }),
    });
    const batch = orchestrator.executeParallel(numbered(10));
    await drained();
    for (const call of [...service.calls].reverse()) {
      if (call.task === 'task 4') call.reject(new Error('no'));
      else call.resolve(call.task);
      await drained();
    }
    const results = await batch;
    expect(results.map(({ result }) => result ?? 'failed')).toEqual(
      numbered(10).map((task, index) => (index === 4 ? 'failed' : task)),
    );
  });

  it('a batch gives every task its own id and leaves the options object as it was', async () => {
    const { orchestrator } = simulated({ services: { only: (task) => task } });
    const options = Object.freeze({
      priority: 3,
      kwargs: Object.freeze({ a: 1 }),
      timeoutSeconds: 9,
      maxParallel: 2,
      failFast: true,
      signal: new AbortController().signal,
    });
    const before = { ...options };
    const items = [Object.freeze({ task: 'own', priority: 1 }), 'plain'] as const;
    const results = await orchestrator.executeParallel([...items, ...numbered(20)], options);
    expect(new Set(results.map(({ taskId }) => taskId)).size).toBe(22);
    expect(options).toEqual(before);
    expect(items[0]).toEqual({ task: 'own', priority: 1 });
  });

  it('options of a batch hold for each of its tasks that says nothing else; undefined says nothing', async () => {
    const { orchestrator } = simulated({
      services: { only: (_task, { kwargs, deadline }) => [kwargs.a, deadline] },
      config: config({ startPaused: true }),
    });
    const batch = orchestrator.executeParallel(
      [
        'shared',
        { task: 'own', kwargs: { a: 2 }, deadlineSeconds: 60, priority: 2 },
        { task: 'undefined', kwargs: undefined, deadlineSeconds: undefined, priority: undefined },
      ],
      { kwargs: { a: 1 }, deadlineSeconds: 30, priority: 7 },
    );
    await drained();
    expect(orchestrator.waitingTasks().map(({ priority }) => priority)).toEqual([7, 7, 2]);
    orchestrator.resume();
    expect((await batch).map(({ result }) => result)).toEqual([
      [1, 30],
      [2, 60],
      [1, 30],
    ]);
  });

  it('options whose values are undefined are as if left out', async () => {
    const { orchestrator } = simulated({ services: { only: (_task, { deadline }) => deadline } });
    const nothing = {
      service: undefined,
      kwargs: undefined,
      priority: undefined,
      timeoutSeconds: undefined,
      queueTimeoutSeconds: undefined,
      deadlineSeconds: undefined,
      maxRetries: undefined,
      idempotencyKey: undefined,
      taskId: undefined,
      signal: undefined,
      onProgress: undefined,
    };
    expect(await orchestrator.execute('work', nothing)).toMatchObject({ success: true, result: null });
    const subtasks = [{ task: 'work', ...nothing, id: undefined, dependsOn: undefined }];
    const { taskId: _, signal: __, onProgress: ___, ...data } = subtasks[0] ?? {};
    expect(
      await orchestrator.executeSubtasks([data as { task: string }], { signal: undefined }),
    ).toHaveLength(1);
  });
});

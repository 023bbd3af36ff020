import { describe, expect, it } from 'vitest';
import { config, drained, expectNothingUnhandled, manualService, numbered, simulated } from './support.js';

expectNothingUnhandled();

const paused = (maxParallel = 1) => {
  const order: string[] = [];
  const simulation = simulated({
    services: { only: (task) => void order.push(task) },
    config: config({ maxParallel, startPaused: true }),
  });
  return { ...simulation, order };
};

it('as many priorities as tasks are waited for and cancelled', async () => {
  const { orchestrator } = simulated({
    services: { one: (task) => task, two: (task) => task },
    config: config({ mailboxCapacity: 150_000, maxParallel: 1 }),
  });
  orchestrator.pause();
  const handles = Array.from({ length: 140_000 }, (_, index) =>
    orchestrator.submit('x', { service: index % 2 === 0 ? 'one' : 'two', priority: index }),
  );
  await drained();
  handles.at(-1)?.cancel();
  expect((await handles.at(-1)?.result())?.status).toBe('cancelled');
  orchestrator.clear();
  expect((await handles[0]?.result())?.status).toBe('cancelled');
  expect(orchestrator.stats()).toMatchObject({ queued: 0, cancelled: 140_000 });
});

describe('queue priority', () => {
  it('higher first, 0 by default and for undefined, first come first served among equals', async () => {
    const { orchestrator, order } = paused();
    const add = (task: string, priority?: number): void => void orchestrator.execute(task, { priority });
    add('a');
    add('low', -1);
    add('b', undefined);
    add('high', 5);
    add('c', 0);
    add('minus zero', -0);
    add('high too', 5);
    add('fraction', 0.5);
    add('huge', Number.MAX_VALUE);
    add('tiny', -Number.MAX_VALUE);
    await drained();
    orchestrator.resume();
    await orchestrator.onIdle();
    expect(order).toEqual([
      'huge',
      'high',
      'high too',
      'fraction',
      'a',
      'b',
      'c',
      'minus zero',
      'low',
      'tiny',
    ]);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, '1', null])(
    'priority %s is a TypeError that names it',
    async (priority) => {
      const { orchestrator } = paused();
      await expect(orchestrator.execute('x', { priority: priority as never })).rejects.toThrow(TypeError);
      await expect(orchestrator.execute('x', { priority: priority as never })).rejects.toThrow(/priority/);
      expect(orchestrator.stats().submitted).toBe(0);
    },
  );

  it('waiting tasks are countable by priority', async () => {
    const { orchestrator } = paused();
    for (const priority of [1, 0, 1, 2, 1]) void orchestrator.execute('x', { priority });
    await drained();
    const waiting = orchestrator.waitingTasks();
    expect(waiting.filter(({ priority }) => priority === 1)).toHaveLength(3);
    expect(waiting.map(({ priority }) => priority)).toEqual([2, 1, 1, 1, 0]);
    expect(waiting).not.toBe(orchestrator.waitingTasks());
  });

  it.each([1, 2, 5])(
    'the priority of a waiting task is changeable by id with maxParallel %d',
    async (maxParallel) => {
      const blocker = manualService();
      const order: string[] = [];
      const { orchestrator } = simulated({
        services: { blocker, only: (task) => void order.push(task) },
        config: config({ maxParallel }),
      });
      for (let count = 0; count < maxParallel; count += 1)
        void orchestrator.execute('x', { service: 'blocker' });
      await drained();
      const handles = numbered(6).map((task) => orchestrator.submit(task, { service: 'only' }));
      // Also in the tick in which it was submitted.
      orchestrator.setPriority(handles[5]?.taskId ?? '', 10);
      orchestrator.setPriority(handles[0]?.taskId ?? '', -10);
      orchestrator.setPriority(handles[3]?.taskId ?? '', 10);
      orchestrator.setMaxParallel(maxParallel + 1);
      await drained();
      expect(order).toEqual(['task 5', 'task 3', 'task 1', 'task 2', 'task 4', 'task 0']);
    },
  );

  it('an unknown id, one that no longer waits and a value that is not finite are errors that name it', async () => {
    const service = manualService();
    const { orchestrator } = simulated({ services: { only: service }, config: config({ maxParallel: 1 }) });
    const running = orchestrator.submit('running');
    const waiting = orchestrator.submit('waiting');
    await drained();
    expect(() => orchestrator.setPriority('nobody', 1)).toThrow(/nobody/);
    expect(() => orchestrator.setPriority(running.taskId, 1)).toThrow(running.taskId);
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, '1', undefined]) {
      expect(() => orchestrator.setPriority(waiting.taskId, value as never)).toThrow(TypeError);
      expect(() => orchestrator.setPriority(waiting.taskId, value as never)).toThrow(waiting.taskId);
    }
    expect(orchestrator.waitingTasks()[0]?.priority).toBe(0);
  });
});

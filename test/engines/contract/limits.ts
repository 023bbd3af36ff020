import { expect } from 'vitest';
import { manualService } from '../../support/simulation.js';
import type { Suite } from './suite.js';

/** How many attempts run at once, and in which order they start. */
export function limits(suite: Suite): void {
  suite.test('runs at most maxParallel attempts, and as many as that', async ({ open, fresh }) => {
    const service = manualService();
    const { orchestrator, until, rest } = await open(fresh(), {
      services: { only: service },
      config: { maxParallel: 3 },
    });
    const results = Array.from({ length: 7 }, () => orchestrator.execute('x'));
    const seen: number[] = [];
    for (let started = 3; started <= 7; started += 1) {
      await until(() => service.calls.length >= started);
      if (started < 5) await rest();
      seen.push(service.open().length);
      service.open()[0]?.resolve();
    }
    expect(seen).toEqual([3, 3, 3, 3, 3]);
    for (const call of service.open()) call.resolve();
    expect((await Promise.all(results)).every(({ success }) => success)).toBe(true);
  });

  suite.test(
    'runs at most concurrency attempts of a service, and the others meanwhile',
    async ({ open, fresh }) => {
      const narrow = manualService();
      const wide = manualService();
      const { orchestrator, until, rest } = await open(fresh(), {
        services: { narrow: { service: narrow, concurrency: 1 }, wide },
        config: { maxParallel: 4 },
      });
      for (const service of ['narrow', 'narrow', 'wide', 'wide', 'wide'])
        void orchestrator.execute('x', { service });
      await until(() => narrow.open().length + wide.open().length === 4);
      await rest();
      expect([narrow.open().length, wide.open().length]).toEqual([1, 3]);
    },
  );

  suite.test('changes its limits while tasks run', async ({ open, fresh }) => {
    const service = manualService();
    const { orchestrator, until, rest } = await open(fresh(), {
      services: { only: service },
      config: { maxParallel: 1 },
    });
    for (let count = 0; count < 4; count += 1) void orchestrator.execute('x');
    await until(() => service.open().length === 1);
    orchestrator.setMaxParallel(3);
    await until(() => service.open().length === 3);
    orchestrator.setMaxParallel(1);
    await rest();
    service.open()[0]?.resolve();
    await rest();
    expect(service.open()).toHaveLength(2);
    for (const call of service.open()) call.resolve();
    await until(() => service.calls.length === 4);
  });

  suite.test('changes the limit of one service while its tasks run', async ({ open, fresh }) => {
    const service = manualService();
    const { orchestrator, until, rest } = await open(fresh(), {
      services: { only: { service, concurrency: 3 } },
      config: { maxParallel: 5 },
    });
    orchestrator.setConcurrency('only', 1);
    await rest();
    for (let count = 0; count < 4; count += 1) void orchestrator.execute('x');
    await until(() => service.open().length === 1);
    await rest();
    expect(service.open()).toHaveLength(1);
    orchestrator.setConcurrency('only', 3);
    await until(() => service.open().length === 3);
  });

  suite.test('starts the tasks of a service in the order of their acceptance', async ({ open, fresh }) => {
    const service = manualService();
    const { orchestrator, until, rest } = await open(fresh(), {
      services: { only: service },
      config: { maxParallel: 1 },
    });
    const words = ['a', 'b', 'c', 'd'];
    for (const word of words) {
      void orchestrator.execute(word);
      await rest();
    }
    for (let started = 1; started <= 4; started += 1) {
      await until(() => service.calls.length === started);
      service.open()[0]?.resolve();
    }
    expect(service.calls.map(({ task }) => task)).toEqual(words);
  });

  suite.test(
    suite.engine.capabilities.priorities
      ? 'takes higher priorities first, and otherwise first in, first out'
      : 'refuses tasks with a priority',
    async ({ name, capabilities, open, fresh }) => {
      const service = manualService();
      const { orchestrator, until } = await open(fresh(), {
        services: { only: service },
        config: { maxParallel: 1 },
      });
      const execute = (task: string, priority: number) => orchestrator.execute(task, { priority });
      if (!capabilities.priorities) {
        const result = await execute('x', 5);
        expect(result).toMatchObject({ status: 'rejected', errorCode: 'INVALID_INPUT' });
        expect(result.error).toContain(`The engine "${name}" has no priorities`);
        return;
      }
      for (const [task, priority] of [
        ['first', 0],
        ['b', 0],
        ['c', 5],
        ['d', 0],
        ['e', 5],
      ] as const) {
        void execute(task, priority);
      }
      for (let started = 1; started <= 5; started += 1) {
        await until(() => service.calls.length === started);
        service.open()[0]?.resolve();
      }
      expect(service.calls.map(({ task }) => task)).toEqual(['c', 'e', 'first', 'b', 'd']);
    },
  );
}

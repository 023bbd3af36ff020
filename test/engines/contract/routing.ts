import { expect } from 'vitest';
import type { Suite } from './suite.js';

/** Where tasks go, and what becomes of what they bring along. */
export function routing(suite: Suite): void {
  suite.test('routes by keywords and by name, and tells why', async ({ open, fresh }) => {
    const { orchestrator } = await open(fresh(), {
      services: {
        vision: { service: (task) => `saw ${task}`, keywords: ['pdf'] },
        chat: { service: (task) => `said ${task}`, keywords: ['hello'] },
      },
    });
    const [routed, named] = await Promise.all([
      orchestrator.execute('read the pdf'),
      orchestrator.execute('read the pdf', { service: 'chat' }),
    ]);
    expect(routed).toMatchObject({ serviceName: 'vision', result: 'saw read the pdf', attempts: 1 });
    expect(named).toMatchObject({ serviceName: 'chat', route: { why: 'named by the caller' } });
  });

  suite.test('refuses an unknown service, and a task that no service fits', async ({ open, fresh }) => {
    const { orchestrator } = await open(fresh(), {
      services: { a: (task) => task, b: (task) => task },
      strategy: () => [],
    });
    expect(await orchestrator.execute('x', { service: 'c' })).toMatchObject({
      status: 'rejected',
      errorCode: 'UNKNOWN_SERVICE',
    });
    expect(await orchestrator.execute('x')).toMatchObject({ status: 'rejected', errorCode: 'NO_ROUTE' });
  });

  suite.test('takes service names of any characters', async ({ open, fresh }) => {
    const names = ['a/b', 'Größe', 'two words', 'x'.repeat(60), '..', 'h.x', '%2F?#', '🙂'];
    const { orchestrator } = await open(fresh(), {
      services: Object.fromEntries(names.map((name) => [name, { service: () => name, concurrency: 1 }])),
    });
    const results = await Promise.all(names.map((service) => orchestrator.execute('x', { service })));
    expect(results.map(({ result, error }) => result ?? error)).toEqual(names);
  });

  suite.test('passes texts and kwargs of any characters on', async ({ open, fresh }) => {
    const { orchestrator } = await open(fresh(), {
      services: { echo: (task, { kwargs }) => [task, kwargs] },
    });
    const kwargs = { 'a\ud800': [null, 1e-7, '\u0000'], '': {}, constructor: { toString: 1 } };
    const words = ['\ud800', '\u0000', '🙂\r\n', '{"a":1}', 'x'.repeat(300_000)];
    const results = await orchestrator.executeParallel(words.map((task) => ({ task, kwargs })));
    expect(results.map(({ result, error }) => result ?? error)).toEqual(words.map((word) => [word, kwargs]));
  });

  suite.test(
    'gives each attempt its own kwargs, and the result as the service gave it',
    async ({ open, fresh }) => {
      const { orchestrator } = await open(fresh(), {
        services: {
          sum: (_, { kwargs }) => ({ total: (kwargs.parts as number[]).reduce((a, b) => a + b, 0) }),
        },
      });
      const kwargs = { parts: [1, 2, 3] };
      expect((await orchestrator.execute('add', { kwargs })).result).toEqual({ total: 6 });
    },
  );

  suite.test('hands the results of dependencies on', async ({ open, fresh }) => {
    const { orchestrator } = await open(fresh(), {
      services: { echo: (task, { kwargs }) => [task, kwargs.dependencies ?? null] },
    });
    const [, second] = await orchestrator.executeSubtasks([
      { id: 'a', task: 'one' },
      { id: 'b', task: 'two', dependsOn: ['a'] },
    ]);
    expect(second?.result).toEqual(['two', { a: ['one', null] }]);
  });
}

import { expect } from 'vitest';
import { checkHistory } from '../../../src/core/history.js';
import type { OrchestratorEvents, RuntimeEvent } from '../../../src/index.js';
import { manualService } from '../../support/simulation.js';
import type { Suite } from './suite.js';

const TELLS_FACTS = {
  true: 'tells of a task that runs elsewhere its acceptance and its end, and no attempt',
  false: 'tells facts without a gap and in an order that holds',
} as const;

/** How often a task is tried, and what is told meanwhile. */
export function attempts(suite: Suite): void {
  suite.test('retries what may be retried, and gives its slot back in backoff', async ({ open, fresh }) => {
    const flaky = manualService();
    const { orchestrator, advance, until } = await open(fresh(), {
      services: { flaky: { service: flaky, concurrency: 2 } },
      config: { maxParallel: 1, maxRetries: 2, backoffBaseSeconds: 1 },
    });
    const result = orchestrator.execute('retry me');
    await until(() => flaky.open().length === 1);
    const other = orchestrator.execute('other');
    flaky.open()[0]?.reject(new Error('once'));
    await until(() => flaky.open()[0]?.task === 'other');
    flaky.open()[0]?.resolve('done');
    expect((await other).result).toBe('done');
    await advance(1000);
    await until(() => flaky.open()[0]?.context.attempt === 2);
    flaky.open()[0]?.resolve('at last');
    expect(await result).toMatchObject({ result: 'at last', attempts: 2 });
  });

  suite.test('gives up after maxRetries further attempts', async ({ open, fresh }) => {
    const { orchestrator, advance } = await open(fresh(), {
      services: { down: () => Promise.reject(new Error('down')) },
      config: { maxRetries: 2, backoffBaseSeconds: 0.01 },
    });
    const result = orchestrator.execute('x');
    for (let count = 0; count < 3; count += 1) await advance(50);
    expect(await result).toMatchObject({ status: 'failed', errorCode: 'SERVICE_FAILED', attempts: 3 });
  });

  suite.test('tells the words of a service that throws, at once or later', async ({ open, fresh }) => {
    const { orchestrator } = await open(fresh(), {
      services: {
        now: () => {
          throw new Error('broken');
        },
        later: () => Promise.reject('a text'),
      },
      config: { maxRetries: 0 },
    });
    const [now, later] = await Promise.all(
      ['now', 'later'].map((service) => orchestrator.execute('x', { service })),
    );
    expect(now).toMatchObject({ status: 'failed', errorCode: 'SERVICE_FAILED', attempts: 1 });
    expect([now?.error, later?.error]).toEqual([
      expect.stringContaining('broken'),
      expect.stringContaining('a text'),
    ]);
  });

  suite.test(
    suite.engine.capabilities.progress ? 'tells progress' : 'takes a listener for progress, and tells none',
    async ({ capabilities, open, fresh }) => {
      const { orchestrator } = await open(fresh(), {
        services: {
          slow: (task, { progress }) => {
            progress(0.5, 'half');
            return task;
          },
        },
      });
      const told: number[] = [];
      await orchestrator.execute('x', { onProgress: (fraction) => told.push(fraction) });
      expect(told).toEqual(capabilities.progress ? [0.5] : []);
    },
  );

  suite.test('counts an attempt that ignores its signal apart, and keeps its instance', async (engine) => {
    const service = manualService();
    const { orchestrator, runner, advance, until, rest } = await engine.open(engine.fresh(), {
      services: { only: { service, concurrency: 1 } },
      config: { maxRetries: 0 },
    });
    const result = orchestrator.execute('x', { timeoutSeconds: 0.2 });
    await until(() => service.calls.length === 1);
    await advance(201);
    expect((await result).status).toBe('timed_out');
    expect(runner.stats()).toMatchObject({ abandoned: 1, running: 0 });
    void orchestrator.execute('next');
    await rest();
    expect(service.calls).toHaveLength(1);
    service.calls[0]?.resolve('late');
    await until(() => service.calls.length === 2);
    expect(runner.stats()).toMatchObject({ abandoned: 0, lateSettlements: 1 });
  });

  suite.test(
    TELLS_FACTS[`${suite.engine.capabilities.distributed}`],
    async ({ capabilities, open, fresh }) => {
      const { orchestrator, advance } = await open(fresh(), {
        services: {
          flaky: (task, { attempt }) => (attempt === 1 ? Promise.reject(new Error('once')) : task),
        },
        config: { maxParallel: 2, backoffBaseSeconds: 0.01 },
      });
      const events: RuntimeEvent[] = [];
      orchestrator.on('event', (...[event]: OrchestratorEvents['event']) => events.push(event));
      const results = orchestrator.executeParallel(['a', 'b', 'c', 'd']);
      for (let count = 0; count < 10; count += 1) await advance(20);
      await results;
      if (capabilities.distributed) {
        const told = ['handed_over', 'settled', 'submitted'].flatMap((type) => Array(4).fill(type));
        expect(events.map(({ type }) => type).sort()).toEqual(told);
      }
      const history = checkHistory(events, { maxParallel: 2, isComplete: true });
      expect(history).toMatchObject({ tasks: 4, unsettled: 0, violations: [] });
    },
  );
}

import { describe, expect, it } from 'vitest';
import { ExecutionConfig, ServiceRegistry } from '../../src/index.js';
import { config, drained, expectNothingUnhandled, manualService, numbered, simulated } from './support.js';

expectNothingUnhandled();

const wrong = [0, -1, 1.5, Number.NaN, Number.NEGATIVE_INFINITY, '3', null, undefined, {}, true, 2n];

describe('queue limits', () => {
  it.each([1, 2, 7])('%d at a time', async (maxParallel) => {
    const service = manualService();
    const { orchestrator } = simulated({ services: { only: service }, config: config({ maxParallel }) });
    const results = orchestrator.executeParallel(numbered(20));
    for (let left = 20; left > 0; left -= 1) {
      await drained();
      expect(service.open()).toHaveLength(Math.min(maxParallel, left));
      service.open()[0]?.resolve();
    }
    expect(await results).toHaveLength(20);
  });

  it('promise C3 a retry does not begin beyond a concurrency that was lowered', async () => {
    const service = manualService();
    const { orchestrator, advance } = simulated({
      services: { only: { service, concurrency: 2 } },
      config: config({ backoffBaseSeconds: 1, maxRetries: 1 }),
    });
    const results = orchestrator.executeParallel(['long', 'again']);
    await drained();
    service.open()[1]?.reject(new Error('no'));
    await drained();
    orchestrator.setConcurrency('only', 1);
    await advance(60_000);
    expect(service.open().map(({ task }) => task)).toEqual(['long']);
    service.open()[0]?.resolve();
    await drained();
    expect(service.open().map(({ task }) => task)).toEqual(['again']);
    service.open()[0]?.resolve();
    expect((await results).map(({ attempts }) => attempts)).toEqual([1, 2]);
  });

  it('all at once with Infinity', async () => {
    const service = manualService();
    const { orchestrator } = simulated({
      services: { only: service },
      config: config({ maxParallel: Number.POSITIVE_INFINITY }),
    });
    const results = orchestrator.executeParallel(numbered(200));
    await drained();
    expect(service.open()).toHaveLength(200);
    for (const call of service.open()) call.resolve();
    expect(await results).toHaveLength(200);
    await orchestrator.close();
  });

  it.each(wrong)('maxParallel %s is a TypeError at construction and on assignment', (value) => {
    const fields = { maxParallel: value } as never;
    expect(() => ExecutionConfig.create(fields)).toThrow(TypeError);
    expect(() => ExecutionConfig.create(fields)).toThrow(/maxParallel/);
    expect(() => simulated({ config: { taskConfig: fields } })).toThrow(/maxParallel/);
    const { orchestrator } = simulated();
    expect(() => orchestrator.setMaxParallel(value as never)).toThrow(TypeError);
    expect(() => orchestrator.setMaxParallel(value as never)).toThrow(/maxParallel/);
    expect(orchestrator.stats().maxParallel).toBe(5);
  });

  it.each(wrong.filter((value) => value !== undefined))(
    'concurrency %s is a TypeError at registration and on assignment',
    (value) => {
      const service = { execute: (task: string) => task, concurrency: value } as never;
      expect(() => new ServiceRegistry({ only: service })).toThrow(TypeError);
      const { orchestrator } = simulated({ services: { only: (task) => task } });
      expect(() => orchestrator.setConcurrency('only', value as never)).toThrow(TypeError);
      expect(orchestrator.listServices()[0]?.concurrency).toBe(5);
    },
  );

  it('setConcurrency of undefined or of an unknown service is a TypeError', () => {
    const { orchestrator } = simulated({ services: { only: (task) => task } });
    expect(() => orchestrator.setConcurrency('only', undefined as never)).toThrow(TypeError);
    expect(() => orchestrator.setConcurrency('olny', 2)).toThrow(/olny.*only/);
  });

  it('the counts are right even for a listener that is called while the result is handed over', async () => {
    const service = manualService();
    const { orchestrator } = simulated({ services: { only: service }, config: config({ maxParallel: 2 }) });
    const seen: unknown[] = [];
    const onProgress = (): void => {
      const { running, queued, completed } = orchestrator.stats();
      seen.push([running, queued, completed, orchestrator.runningTasks().length]);
    };
    void orchestrator.executeParallel(numbered(3), { onProgress });
    for (let count = 0; count < 3; count += 1) {
      await drained();
      service.open()[0]?.resolve();
    }
    await drained();
    expect(seen).toEqual([
      [1, 1, 1, 1],
      [1, 0, 2, 1],
      [0, 0, 3, 0],
    ]);
  });

  it('the counts of waiting and running are right in the tick in which a result is seen', async () => {
    const service = manualService();
    const { orchestrator } = simulated({ services: { only: service }, config: config({ maxParallel: 2 }) });
    const seen: unknown[] = [];
    const note = (): void => {
      const { running, queued, completed } = orchestrator.stats();
      seen.push([running, queued, completed]);
    };
    const results = numbered(4).map((task) => orchestrator.execute(task).then(note));
    const { running, queued } = orchestrator.stats();
    expect([running, queued]).toEqual([0, 4]);
    for (let count = 0; count < 4; count += 1) {
      await drained();
      service.open()[0]?.resolve();
    }
    await Promise.all(results);
    expect(seen).toEqual([
      [2, 1, 1],
      [2, 0, 2],
      [1, 0, 3],
      [0, 0, 4],
    ]);
  });
});

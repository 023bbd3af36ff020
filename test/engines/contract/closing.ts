import { expect } from 'vitest';
import { manualService } from '../../support/simulation.js';
import type { Suite } from './suite.js';

/** What becomes of tasks when the orchestrator ends. */
export function closing(suite: Suite): void {
  const { durable, distributed } = suite.engine.capabilities;

  suite.test('drains: finishes what was accepted, refuses what comes', async ({ open, fresh }) => {
    const service = manualService();
    const { orchestrator, until } = await open(fresh(), { services: { only: service } });
    const accepted = orchestrator.execute('x');
    const closing = orchestrator.close({ drainSeconds: 10 });
    expect(await orchestrator.execute('late')).toMatchObject({
      status: 'rejected',
      errorCode: 'SHUTTING_DOWN',
    });
    await until(() => service.calls.length === 1);
    service.open()[0]?.resolve('done');
    await closing;
    expect((await accepted).result).toBe('done');
  });

  suite.test(
    distributed
      ? 'leaves what has not ended to the server when the drain is over, and says so'
      : durable
        ? 'when the drain is over, cancels what runs, and leaves the rest to the next start'
        : 'cancels what runs, and what waits, when the drain is over',
    async ({ open, fresh }) => {
      const service = manualService();
      const { orchestrator, advance, until } = await open(fresh(), {
        services: { only: service },
        config: { maxParallel: 1 },
      });
      const running = orchestrator.execute('a');
      await until(() => service.calls.length === 1);
      const waiting = orchestrator.submit('b');
      await waiting.accepted();
      const closing = orchestrator.close({ drainSeconds: 0.2 });
      await advance(201);
      await closing;
      const settled = [await running, await waiting.result()];
      expect(settled.map(({ status, errorCode }) => [status, errorCode])).toEqual(
        Array(2).fill(['cancelled', 'SHUTTING_DOWN']),
      );
      expect(settled.map(({ errorDetails }) => errorDetails?.kept ?? false)).toEqual([distributed, durable]);
    },
  );

  suite.test('answers every task that is under way when it is closed at once', async ({ open, fresh }) => {
    const { orchestrator } = await open(fresh(), {
      services: { slow: { service: () => new Promise<never>(() => {}), concurrency: 2 } },
    });
    const results = Array.from({ length: 20 }, (_, count) =>
      orchestrator.execute(`x${count}`, count % 2 === 0 ? {} : { idempotencyKey: `k${count}` }),
    );
    await orchestrator.close({ drainSeconds: 0 });
    const statuses = (await Promise.all(results)).map(({ status, errorCode }) => [status, errorCode]);
    expect(new Set(statuses.map(String))).toEqual(new Set(['cancelled,SHUTTING_DOWN']));
  });

  suite.test('may be closed again, and then accepts nothing', async ({ open, fresh }) => {
    const { orchestrator } = await open(fresh(), { services: { echo: (task) => task } });
    await orchestrator.execute('x');
    await Promise.all([orchestrator.close(), orchestrator.close({ drainSeconds: 0 })]);
    await orchestrator.close();
    expect((await orchestrator.execute('y')).errorCode).toBe('SHUTTING_DOWN');
  });
}

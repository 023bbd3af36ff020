import { expect } from 'vitest';
import { manualService } from '../../support/simulation.js';
import type { EngineUnderTest, Suite, World, WorldOptions } from './suite.js';

/** What several orchestrators of one engine have in common. */
export function severalProcesses(suite: Suite): void {
  const openTwo = async (
    { open, openAnother, fresh }: EngineUnderTest,
    options: WorldOptions,
  ): Promise<[World, World]> => {
    if (openAnother === null) throw new Error('an engine of several processes opens another orchestrator');
    const engine = fresh();
    return [await open(engine, options), await openAnother(engine, options)];
  };

  suite.test('two orchestrators share a live key, a result and a conflict', async (engine) => {
    const service = manualService();
    const [one, two] = await openTwo(engine, { services: { only: service } });
    const first = one.orchestrator.execute('pay', { taskId: 'one', idempotencyKey: 'k' });
    await one.until(() => service.calls.length === 1);
    const second = two.orchestrator.execute('pay', { taskId: 'two', idempotencyKey: 'k' });
    const conflict = two.orchestrator.execute('pay', { idempotencyKey: 'k', kwargs: { amount: 2 } });
    await two.rest();
    service.open()[0]?.resolve('paid');
    expect([await first, await second]).toMatchObject([
      { taskId: 'one', result: 'paid' },
      { taskId: 'two', result: 'paid' },
    ]);
    expect((await conflict).errorCode).toBe('IDEMPOTENCY_CONFLICT');
    expect((await two.orchestrator.execute('pay', { idempotencyKey: 'k' })).result).toBe('paid');
    expect(service.calls).toHaveLength(1);
  });

  suite.test('ids belong to one orchestrator: another may use them at the same time', async (engine) => {
    const service = manualService();
    const [one, two] = await openTwo(engine, { services: { only: service } });
    const results = [one, two].map(({ orchestrator }) => orchestrator.execute('x', { taskId: 'mine' }));
    await one.until(() => service.open().length === 2);
    for (const call of service.open()) call.resolve();
    expect((await Promise.all(results)).map(({ success }) => success)).toEqual([true, true]);
  });

  suite.test('two orchestrators share one limit', async (engine) => {
    const service = manualService();
    const [one, two] = await openTwo(engine, { services: { only: service }, config: { maxParallel: 2 } });
    const results = [one, two, one, two].map(({ orchestrator }) => orchestrator.execute('x'));
    await one.until(() => service.calls.length === 2);
    await one.rest();
    expect(service.calls).toHaveLength(2);
    for (let started = 2; started <= 4; started += 1) {
      await one.until(() => service.calls.length >= started);
      service.open()[0]?.resolve();
    }
    service.open()[0]?.resolve();
    expect((await Promise.all(results)).every(({ success }) => success)).toBe(true);
  });

  suite.test('what an orchestrator leaves at its end, another gets by the key', async (engine) => {
    const service = manualService();
    const [one, two] = await openTwo(engine, { services: { only: service } });
    const left = two.orchestrator.submit('x', { idempotencyKey: 'k' });
    await two.until(() => service.calls.length === 1);
    await two.orchestrator.close({ drainSeconds: 0 });
    expect(await left.result()).toMatchObject({
      status: 'cancelled',
      errorCode: 'SHUTTING_DOWN',
      errorDetails: { kept: true },
    });
    expect(service.calls[0]?.context.signal.aborted).toBe(false);
    const taken = one.orchestrator.execute('x', { idempotencyKey: 'k' });
    service.open()[0]?.resolve('done');
    expect(await taken).toMatchObject({ status: 'completed', result: 'done', attempts: 1 });
    expect(service.calls).toHaveLength(1);
  });

  suite.test(
    'who joined the key of another orchestrator and leaves does not end its task',
    async (engine) => {
      const service = manualService();
      const [one, two] = await openTwo(engine, { services: { only: service } });
      const first = one.orchestrator.execute('x', { idempotencyKey: 'k' });
      await one.until(() => service.calls.length === 1);
      const joiner = two.orchestrator.submit('x', { idempotencyKey: 'k' });
      await joiner.accepted();
      joiner.cancel();
      expect((await joiner.result()).status).toBe('cancelled');
      await two.rest();
      expect(service.calls[0]?.context.signal.aborted).toBe(false);
      service.open()[0]?.resolve('done');
      expect((await first).result).toBe('done');
    },
  );

  suite.test('a task that was cancelled during an attempt stays so under its key', async (engine) => {
    const service = manualService();
    const [one, two] = await openTwo(engine, { services: { only: service } });
    const first = one.orchestrator.submit('x', { idempotencyKey: 'k' });
    await one.until(() => service.calls.length === 1);
    const joiner = two.orchestrator.execute('x', { idempotencyKey: 'k' });
    await two.rest();
    first.cancel('enough');
    expect((await first.result()).status).toBe('cancelled');
    expect(await joiner).toMatchObject({ status: 'cancelled', attempts: 1 });
    const again = await two.orchestrator.execute('x', { idempotencyKey: 'k' });
    expect(again).toMatchObject({ status: 'cancelled', attempts: 1 });
    expect(service.calls).toHaveLength(1);
  });
}

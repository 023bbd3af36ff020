import { expect } from 'vitest';
import { manualService } from '../../support/simulation.js';
import type { Suite } from './suite.js';

/** Idempotency keys and ids. */
export function keys(suite: Suite): void {
  suite.test('joins a live task of the same key, and replays one that ended', async ({ open, fresh }) => {
    const service = manualService();
    const { orchestrator, until } = await open(fresh(), { services: { only: service } });
    const first = orchestrator.execute('pay', { idempotencyKey: 'k' });
    await until(() => service.calls.length === 1);
    const second = orchestrator.execute('pay', { idempotencyKey: 'k' });
    service.open()[0]?.resolve('paid');
    const third = await first.then(() => orchestrator.execute('pay', { idempotencyKey: 'k' }));
    expect([(await first).result, (await second).result, third.result]).toEqual(['paid', 'paid', 'paid']);
    expect(service.calls).toHaveLength(1);
    expect(await orchestrator.execute('other', { idempotencyKey: 'k' })).toMatchObject({
      status: 'rejected',
      errorCode: 'IDEMPOTENCY_CONFLICT',
    });
  });

  suite.test('a caller who joined and leaves does not end the task', async ({ open, fresh }) => {
    const service = manualService();
    const { orchestrator, until } = await open(fresh(), { services: { only: service } });
    const first = orchestrator.execute('x', { taskId: 'same', idempotencyKey: 'k' });
    await until(() => service.calls.length === 1);
    const joiner = orchestrator.submit('x', { taskId: 'same', idempotencyKey: 'k' });
    joiner.cancel();
    expect((await joiner.result()).status).toBe('cancelled');
    service.open()[0]?.resolve('done');
    expect((await first).status).toBe('completed');
  });

  suite.test('tells a caller who joined how the task stands, and lets him go by his id', async (engine) => {
    const service = manualService();
    const { orchestrator, until } = await engine.open(engine.fresh(), { services: { only: service } });
    const first = orchestrator.submit('x', { idempotencyKey: 'k' });
    const joiner = orchestrator.submit('x', { idempotencyKey: 'k' });
    expect(await Promise.all([first.accepted(), joiner.accepted()])).toEqual([true, true]);
    await until(() => service.calls.length === 1);
    await until(() => joiner.status() === first.status());
    expect(joiner.status()).toBe(engine.capabilities.distributed ? 'queued' : 'running');
    expect(orchestrator.cancel(joiner.taskId)).toBe(true);
    expect((await joiner.result()).status).toBe('cancelled');
    expect(orchestrator.cancel(joiner.taskId)).toBe(false);
    service.open()[0]?.resolve('done');
    expect((await first.result()).status).toBe('completed');
  });

  suite.test('a caller who joined is accepted when the task is, and no sooner', async ({ open, fresh }) => {
    const { orchestrator } = await open(fresh(), { services: { only: (task) => task } });
    const options = { idempotencyKey: 'k', kwargs: { since: new Date() } };
    const [first, joiner] = [orchestrator.submit('x', options), orchestrator.submit('x', options)];
    const accepted = await joiner.accepted();
    expect(accepted).toBe(await first.accepted());
    expect(accepted).toBe((await joiner.result()).status !== 'rejected');
  });

  suite.test('a caller who joined and left is accepted when the task is', async ({ open, fresh }) => {
    const { orchestrator } = await open(fresh(), { services: { only: (task) => task } });
    const options = { idempotencyKey: 'k', kwargs: { since: new Date() } };
    const [first, joiner] = [orchestrator.submit('x', options), orchestrator.submit('x', options)];
    joiner.cancel();
    expect(await joiner.accepted()).toBe(await first.accepted());
  });

  suite.test('takes keys and ids of any characters', async ({ open, fresh }) => {
    const { orchestrator } = await open(fresh(), {
      services: { id: (_, { taskId, idempotencyKey }) => [taskId, idempotencyKey] },
    });
    const words = ['🙂', 'a\nb', ' ', 'x'.repeat(200), 'ключ', 'a/b?c#d%', '\u0000', '"\\'];
    const results = await Promise.all(
      words.map((word) => orchestrator.execute('x', { taskId: word, idempotencyKey: word })),
    );
    expect(results.map(({ result, error }) => result ?? error)).toEqual(words.map((word) => [word, word]));
    expect(results.map(({ taskId }) => taskId)).toEqual(words);
  });

  suite.test('takes a key again whose task never started', async ({ open, fresh }) => {
    const service = manualService();
    const { orchestrator, until, rest } = await open(fresh(), {
      services: { only: service },
      config: { maxParallel: 1 },
    });
    const first = orchestrator.execute('first');
    await until(() => service.calls.length === 1);
    const never = orchestrator.submit('x', { idempotencyKey: 'k' });
    await rest();
    never.cancel();
    expect((await never.result()).status).toBe('cancelled');
    service.open()[0]?.resolve();
    await first;
    const again = orchestrator.execute('x', { idempotencyKey: 'k' });
    await until(() => service.calls.length === 2);
    service.open()[0]?.resolve('done');
    expect(await again).toMatchObject({ status: 'completed', result: 'done' });
  });

  suite.test(
    'refuses an id that an open task has, and takes it again afterwards',
    async ({ open, fresh }) => {
      const service = manualService();
      const { orchestrator, until } = await open(fresh(), { services: { only: service } });
      const first = orchestrator.execute('x', { taskId: 'mine' });
      await until(() => service.calls.length === 1);
      expect(await orchestrator.execute('y', { taskId: 'mine' })).toMatchObject({
        errorCode: 'DUPLICATE_ID',
      });
      service.open()[0]?.resolve();
      await first;
      const again = orchestrator.execute('z', { taskId: 'mine' });
      await until(() => service.calls.length === 2);
      service.open()[0]?.resolve('again');
      expect((await again).result).toBe('again');
    },
  );
}

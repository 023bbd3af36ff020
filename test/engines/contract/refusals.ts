import { expect } from 'vitest';
import { manualService } from '../../support/simulation.js';
import type { Suite } from './suite.js';

/** What is not taken, and what is not possible. */
export function refusals(suite: Suite): void {
  const { pausing, distributed, durable } = suite.engine.capabilities;

  suite.test(
    distributed
      ? 'takes more tasks than mailboxCapacity: they wait at the server, and no mailbox holds them'
      : 'refuses a task when the mailbox is full, and none that was accepted',
    async ({ open, fresh }) => {
      const service = manualService();
      const { orchestrator, until } = await open(fresh(), {
        services: { only: service },
        config: { maxParallel: 1, mailboxCapacity: 1 },
      });
      const results = ['a', 'b', 'c'].map((task) => orchestrator.execute(task));
      const refused = distributed ? [] : results.splice(2);
      for (const result of refused)
        expect(await result).toMatchObject({ status: 'rejected', errorCode: 'QUEUE_FULL' });
      for (let count = 1; count <= results.length; count += 1) {
        await until(() => service.calls.length === count);
        service.open()[0]?.resolve();
      }
      expect((await Promise.all(results)).every(({ success }) => success)).toBe(true);
    },
  );

  suite.test(
    pausing ? 'starts nothing while it is paused' : 'refuses to hold starts back',
    async ({ name, open, fresh }) => {
      const service = manualService();
      const { orchestrator, until, rest } = await open(fresh(), { services: { only: service } });
      if (!pausing) {
        const refusal = `The engine "${name}" cannot hold starts back`;
        expect(() => orchestrator.pause()).toThrow(refusal);
        const rateLimit = { limit: 1, intervalSeconds: 1 };
        for (const options of [
          { config: { startPaused: true } },
          { config: { rateLimit } },
          { services: { only: { service, rateLimit } } },
        ]) {
          await expect(open(fresh(), options)).rejects.toThrow(refusal);
        }
        return;
      }
      orchestrator.pause();
      void orchestrator.execute('x');
      await rest();
      expect(service.calls).toHaveLength(0);
      orchestrator.resume();
      await until(() => service.calls.length === 1);
    },
  );

  suite.test(
    durable
      ? 'makes of a result what can be kept, and fails what cannot'
      : 'passes results on as they are, without a copy',
    async ({ open, fresh }) => {
      const circle: Record<string, unknown> = { n: 5n };
      circle.self = circle;
      const code = (): number => 1;
      const results: Record<string, unknown> = { big: circle, code, nothing: undefined };
      const { orchestrator } = await open(fresh(), { services: { any: (task) => results[task] } });
      const [big, ofCode, nothing] = await orchestrator.executeParallel(['big', 'code', 'nothing']);
      if (!durable) {
        expect([big?.result, ofCode?.result, nothing?.result]).toEqual([circle, code, undefined]);
        return;
      }
      expect(big?.result).toEqual({ n: '5', self: '[Circular]' });
      expect(ofCode).toMatchObject({ status: 'failed', errorCode: 'UNSERIALISABLE' });
      expect(nothing).toMatchObject({ status: 'completed', result: null });
    },
  );

  suite.test('takes kwargs that are deep, or long texts, or many numbers', async ({ open, fresh }) => {
    const { orchestrator } = await open(fresh(), {
      services: { size: (_, { kwargs }) => JSON.stringify(kwargs).length },
    });
    let deep: unknown = 'bottom';
    for (let depth = 0; depth < 40; depth += 1) deep = { deep };
    const all = [
      { deep, none: undefined },
      { text: 'x'.repeat(3_000_000) },
      { numbers: Array.from({ length: 700_000 }, () => 1) },
    ];
    for (const kwargs of all) {
      const { result, error } = await orchestrator.execute('x', { kwargs });
      expect([result, error]).toEqual([JSON.stringify(kwargs).length, null]);
    }
  });

  suite.test(
    durable ? 'refuses kwargs that would be others after a restart' : 'takes kwargs of any kind',
    async ({ open, fresh }) => {
      const { orchestrator } = await open(fresh(), {
        services: { type: (_, { kwargs }) => kwargs.since instanceof Date },
      });
      const result = await orchestrator.execute('x', { kwargs: { since: new Date() } });
      expect(result).toMatchObject(
        durable ? { status: 'rejected', errorCode: 'INVALID_INPUT' } : { status: 'completed', result: true },
      );
    },
  );
}

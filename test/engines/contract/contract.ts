import { afterAll, describe, expect, it } from 'vitest';
import type { EngineOptions } from '../../../src/core/engine-config.js';
import { checkHistory } from '../../../src/core/history.js';
import type { OrchestratorEvents, RuntimeEvent, TaskResult } from '../../../src/index.js';
import { manualService } from '../../support/simulation.js';
import { openWorld, turns } from '../support.js';

/** What an engine is for the suite. */
export interface EngineUnderTest {
  readonly name: string;
  /** Options of an engine with nothing in it; the same options again open what was left there. */
  fresh(): EngineOptions;
}

type Test = () => Promise<void>;

/** The suite that every engine passes. What only holds for engines that keep tasks is asked of those. */
export function engineContract({ name, fresh }: EngineUnderTest): void {
  let passed = 0;
  const test = (behaviour: string, run: Test): void => {
    it(`${name}: ${behaviour}`, async () => {
      await run();
      passed += 1;
    });
  };
  const isDurable = name !== 'local';
  const durable = (behaviour: string, run: Test): void => {
    if (isDurable) test(behaviour, run);
  };

  describe(`engine ${name}`, () => {
    afterAll(() => {
      process.stdout.write(`engine ${name}: ${passed} behaviours hold\n`);
    });

    test('says what it can do', async () => {
      const { orchestrator } = openWorld(fresh());
      expect(orchestrator.engine).toMatchObject({
        kind: name,
        capabilities: { durable: isDurable, distributed: false, keepsTasks: isDurable },
      });
    });

    test('routes by keywords and by name, and tells why', async () => {
      const { orchestrator } = openWorld(fresh(), {
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

    test('refuses an unknown service, and a task that no service fits', async () => {
      const { orchestrator } = openWorld(fresh(), {
        services: { a: (task) => task, b: (task) => task },
        strategy: () => [],
      });
      expect(await orchestrator.execute('x', { service: 'c' })).toMatchObject({
        errorCode: 'UNKNOWN_SERVICE',
      });
      expect(await orchestrator.execute('x')).toMatchObject({ status: 'rejected', errorCode: 'NO_ROUTE' });
    });

    test('gives each attempt its own kwargs, and the result as the service gave it', async () => {
      const { orchestrator } = openWorld(fresh(), {
        services: {
          sum: (_, { kwargs }) => ({ total: (kwargs.parts as number[]).reduce((a, b) => a + b, 0) }),
        },
      });
      const kwargs = { parts: [1, 2, 3] };
      expect((await orchestrator.execute('add', { kwargs })).result).toEqual({ total: 6 });
    });

    test('a result has the same members everywhere', async () => {
      const { orchestrator } = openWorld(fresh(), { services: { echo: (task) => task } });
      const result = await orchestrator.execute('hi', { service: 'echo', taskId: 'mine' });
      expect(result).toMatchObject({
        taskId: 'mine',
        status: 'completed',
        serviceName: 'echo',
        success: true,
        result: 'hi',
        error: null,
        errorCode: null,
        errorDetails: null,
        attempts: 1,
      });
      expect(Object.keys(result)).toHaveLength(12);
    });

    test('runs at most maxParallel attempts, and as many as that', async () => {
      const service = manualService();
      const { orchestrator } = openWorld(fresh(), {
        services: { only: service },
        config: { maxParallel: 3 },
      });
      const results = Array.from({ length: 7 }, () => orchestrator.execute('x'));
      const seen: number[] = [];
      while (service.calls.length < 7 || service.open().length > 0) {
        await turns();
        seen.push(service.open().length);
        service.open()[0]?.resolve();
      }
      expect(Math.max(...seen)).toBe(3);
      expect((await Promise.all(results)).every(({ success }) => success)).toBe(true);
    });

    test('runs at most concurrency attempts of a service, and the others meanwhile', async () => {
      const narrow = manualService();
      const wide = manualService();
      const { orchestrator } = openWorld(fresh(), {
        services: { narrow: { service: narrow, concurrency: 1 }, wide },
        config: { maxParallel: 4 },
      });
      for (const service of ['narrow', 'narrow', 'wide', 'wide', 'wide'])
        void orchestrator.execute('x', { service });
      await turns();
      expect([narrow.open().length, wide.open().length]).toEqual([1, 3]);
    });

    test('changes its limits while tasks run', async () => {
      const service = manualService();
      const { orchestrator } = openWorld(fresh(), {
        services: { only: service },
        config: { maxParallel: 1 },
      });
      for (let count = 0; count < 4; count += 1) void orchestrator.execute('x');
      await turns();
      orchestrator.setMaxParallel(3);
      await turns();
      expect(service.open()).toHaveLength(3);
      orchestrator.setMaxParallel(1);
      service.open()[0]?.resolve();
      await turns();
      expect(service.open()).toHaveLength(2);
    });

    test('takes higher priorities first, and otherwise first in, first out', async () => {
      const service = manualService();
      const { orchestrator } = openWorld(fresh(), {
        services: { only: service },
        config: { maxParallel: 1 },
      });
      for (const [task, priority] of [
        ['first', 0],
        ['b', 0],
        ['c', 5],
        ['d', 0],
        ['e', 5],
      ] as const) {
        void orchestrator.execute(task, { priority });
      }
      for (let done = 0; done < 5; done += 1) {
        await turns();
        service.open()[0]?.resolve();
      }
      await turns();
      expect(service.calls.map(({ task }) => task)).toEqual(['c', 'e', 'first', 'b', 'd']);
    });

    test('retries what may be retried, and gives its slot back in backoff', async () => {
      const flaky = manualService();
      const { orchestrator, advance } = openWorld(fresh(), {
        services: { flaky: { service: flaky, concurrency: 2 } },
        config: { maxParallel: 1, maxRetries: 2, backoffBaseSeconds: 1 },
      });
      const result = orchestrator.execute('retry me');
      const other = orchestrator.execute('other');
      await turns();
      flaky.open()[0]?.reject(new Error('once'));
      await turns();
      expect(flaky.open().map(({ task }) => task)).toEqual(['other']);
      flaky.open()[0]?.resolve('done');
      expect((await other).result).toBe('done');
      await advance(1000);
      expect(flaky.open()[0]?.context.attempt).toBe(2);
      flaky.open()[0]?.resolve('at last');
      expect(await result).toMatchObject({ result: 'at last', attempts: 2 });
    });

    test('gives up after maxRetries further attempts', async () => {
      const { orchestrator, advance } = openWorld(fresh(), {
        services: { down: () => Promise.reject(new Error('down')) },
        config: { maxRetries: 2, backoffBaseSeconds: 0.01 },
      });
      const result = orchestrator.execute('x');
      for (let count = 0; count < 3; count += 1) await advance(100);
      expect(await result).toMatchObject({ status: 'failed', errorCode: 'SERVICE_FAILED', attempts: 3 });
    });

    test('keeps three clocks apart: waiting, attempt, whole task', async () => {
      const service = manualService();
      const { orchestrator, advance } = openWorld(fresh(), {
        services: { only: { service, concurrency: 1 } },
        config: { maxRetries: 0 },
      });
      const attempt = orchestrator.execute('a', { timeoutSeconds: 2 });
      const waiting = orchestrator.execute('b', { queueTimeoutSeconds: 1 });
      const whole = orchestrator.execute('c', { deadlineSeconds: 3 });
      await advance(1001);
      expect(await waiting).toMatchObject({ status: 'timed_out', errorCode: 'QUEUE_TIMEOUT', attempts: 0 });
      await advance(1000);
      expect(await attempt).toMatchObject({ status: 'timed_out', errorCode: 'TIMEOUT', attempts: 1 });
      expect(service.calls[0]?.context.signal.aborted).toBe(true);
      await advance(1000);
      expect(await whole).toMatchObject({ status: 'timed_out', errorCode: 'TIMEOUT' });
    });

    test('cancels a task in every state, at once', async () => {
      const service = manualService();
      const { orchestrator } = openWorld(fresh(), {
        services: { only: { service, concurrency: 2 } },
        config: { maxParallel: 1, backoffBaseSeconds: 10 },
      });
      const backoff = orchestrator.submit('backoff');
      await turns();
      service.open()[0]?.reject(new Error('again'));
      await turns();
      const running = orchestrator.submit('running');
      await turns();
      const queued = orchestrator.submit('queued');
      await turns();
      const newcomer = orchestrator.submit('newcomer');
      expect([backoff.status(), running.status(), queued.status()]).toEqual([
        'retrying',
        'running',
        'queued',
      ]);
      for (const handle of [newcomer, queued, running, backoff]) handle.cancel('enough');
      const results = await Promise.all([backoff, running, queued, newcomer].map((it) => it.result()));
      expect(results.map(({ status }) => status)).toEqual(Array(4).fill('cancelled'));
      expect(service.calls.map(({ task }) => task)).toEqual(['backoff', 'running']);
      expect(service.calls[1]?.context.signal.aborted).toBe(true);
      running.cancel('too late');
      expect((await running.result()).status).toBe('cancelled');
    });

    test('cancels by id, and says whether there was anything to cancel', async () => {
      const service = manualService();
      const { orchestrator } = openWorld(fresh(), { services: { only: service } });
      const result = orchestrator.execute('x', { taskId: 'mine' });
      await turns();
      expect(orchestrator.cancel('mine')).toBe(true);
      expect((await result).status).toBe('cancelled');
      expect([orchestrator.cancel('mine'), orchestrator.cancel('nobody')]).toEqual([false, false]);
    });

    test('a signal cancels, also one that has fired before', async () => {
      const service = manualService();
      const { orchestrator } = openWorld(fresh(), { services: { only: service } });
      const caller = new AbortController();
      const result = orchestrator.execute('x', { signal: caller.signal });
      await turns();
      caller.abort(new Error('left'));
      expect((await result).status).toBe('cancelled');
      expect((await orchestrator.execute('x', { signal: AbortSignal.abort() })).status).toBe('cancelled');
    });

    test('joins a live task of the same key, and replays one that ended', async () => {
      const service = manualService();
      const { orchestrator } = openWorld(fresh(), { services: { only: service } });
      const first = orchestrator.execute('pay', { idempotencyKey: 'k' });
      await turns();
      const second = orchestrator.execute('pay', { idempotencyKey: 'k' });
      await turns();
      service.open()[0]?.resolve('paid');
      const third = await first.then(() => orchestrator.execute('pay', { idempotencyKey: 'k' }));
      expect([(await first).result, (await second).result, third.result]).toEqual(['paid', 'paid', 'paid']);
      expect(service.calls).toHaveLength(1);
      expect(await orchestrator.execute('other', { idempotencyKey: 'k' })).toMatchObject({
        errorCode: 'IDEMPOTENCY_CONFLICT',
      });
    });

    test('a caller who joined and leaves does not end the task', async () => {
      const service = manualService();
      const { orchestrator } = openWorld(fresh(), { services: { only: service } });
      const first = orchestrator.execute('x', { taskId: 'same', idempotencyKey: 'k' });
      await turns();
      const joiner = orchestrator.submit('x', { taskId: 'same', idempotencyKey: 'k' });
      joiner.cancel();
      expect((await joiner.result()).status).toBe('cancelled');
      service.open()[0]?.resolve('done');
      expect((await first).status).toBe('completed');
    });

    test('refuses an id that an open task has, and takes it again afterwards', async () => {
      const service = manualService();
      const { orchestrator } = openWorld(fresh(), { services: { only: service } });
      const first = orchestrator.execute('x', { taskId: 'mine' });
      await turns();
      expect(await orchestrator.execute('y', { taskId: 'mine' })).toMatchObject({
        errorCode: 'DUPLICATE_ID',
      });
      service.open()[0]?.resolve();
      await first;
      const again = orchestrator.execute('z', { taskId: 'mine' });
      await turns();
      service.open()[0]?.resolve('again');
      expect((await again).result).toBe('again');
    });

    test('answers a batch in input order, a stream in order of completion', async () => {
      const service = manualService();
      const { orchestrator } = openWorld(fresh(), { services: { only: service } });
      const batch = orchestrator.executeParallel(['a', 'b']);
      await turns();
      for (const call of service.open().reverse()) call.resolve(call.task);
      expect((await batch).map(({ result }) => result)).toEqual(['a', 'b']);
      const streamed: unknown[] = [];
      const reading = (async () => {
        for await (const { result } of orchestrator.stream(['c', 'd'])) streamed.push(result);
      })();
      await turns();
      for (const call of service.open().reverse()) call.resolve(call.task);
      await reading;
      expect(streamed).toEqual(['d', 'c']);
    });

    test('hands the results of dependencies on', async () => {
      const { orchestrator } = openWorld(fresh(), {
        services: { echo: (task, { kwargs }) => [task, kwargs.dependencies ?? null] },
      });
      const [, second] = await orchestrator.executeSubtasks([
        { id: 'a', task: 'one' },
        { id: 'b', task: 'two', dependsOn: ['a'] },
      ]);
      expect(second?.result).toEqual(['two', { a: ['one', null] }]);
    });

    test('passes a megabyte, and no more than maxResultBytes', async () => {
      const { orchestrator } = openWorld(fresh(), {
        services: { big: (task) => 'x'.repeat(Number(task)) },
        config: { maxResultBytes: 2_000_000 },
      });
      const [million, tooMuch] = await orchestrator.executeParallel(['1000000', '3000000']);
      expect(String(million?.result)).toHaveLength(1_000_000);
      expect(tooMuch).toMatchObject({ status: 'failed', errorCode: 'RESULT_TOO_LARGE' });
    });

    test('refuses a task when the mailbox is full, and none that was accepted', async () => {
      const service = manualService();
      const { orchestrator } = openWorld(fresh(), {
        services: { only: service },
        config: { maxParallel: 1, mailboxCapacity: 1 },
      });
      const results = ['a', 'b', 'c'].map((task) => orchestrator.execute(task));
      await turns();
      expect(await results[2]).toMatchObject({ status: 'rejected', errorCode: 'QUEUE_FULL' });
      for (let count = 0; count < 2; count += 1) {
        service.open()[0]?.resolve();
        await turns();
      }
      expect((await Promise.all(results.slice(0, 2))).every(({ success }) => success)).toBe(true);
    });

    test('starts nothing while it is paused', async () => {
      const service = manualService();
      const { orchestrator } = openWorld(fresh(), { services: { only: service } });
      orchestrator.pause();
      void orchestrator.execute('x');
      await turns();
      expect(service.calls).toHaveLength(0);
      orchestrator.resume();
      await turns();
      expect(service.calls).toHaveLength(1);
    });

    test('counts an attempt that ignores its signal apart, and keeps its instance', async () => {
      const service = manualService();
      const { orchestrator, advance } = openWorld(fresh(), {
        services: { only: { service, concurrency: 1 } },
        config: { maxRetries: 0 },
      });
      const result = orchestrator.execute('x', { timeoutSeconds: 1 });
      await advance(1001);
      expect((await result).status).toBe('timed_out');
      expect(orchestrator.stats()).toMatchObject({ abandoned: 1, running: 0 });
      service.calls[0]?.resolve('late');
      await turns();
      expect(orchestrator.stats()).toMatchObject({ abandoned: 0, lateSettlements: 1 });
    });

    test('tells facts without a gap and in an order that holds', async () => {
      const { orchestrator, advance } = openWorld(fresh(), {
        services: {
          flaky: (task, { attempt }) => (attempt === 1 ? Promise.reject(new Error('once')) : task),
        },
        config: { maxParallel: 2, backoffBaseSeconds: 0.01 },
      });
      const events: RuntimeEvent[] = [];
      orchestrator.on('event', (...[event]: OrchestratorEvents['event']) => events.push(event));
      const results = orchestrator.executeParallel(['a', 'b', 'c', 'd']);
      for (let count = 0; count < 10; count += 1) await advance(50);
      await results;
      const history = checkHistory(events, { maxParallel: 2, isComplete: true });
      expect(history).toMatchObject({ tasks: 4, unsettled: 0, violations: [] });
    });

    test('drains: finishes what was accepted, refuses what comes', async () => {
      const service = manualService();
      const { orchestrator } = openWorld(fresh(), { services: { only: service } });
      const accepted = orchestrator.execute('x');
      const closing = orchestrator.close({ drainSeconds: 10 });
      const late = orchestrator.execute('late');
      await turns();
      expect(await late).toMatchObject({ status: 'rejected', errorCode: 'SHUTTING_DOWN' });
      service.open()[0]?.resolve('done');
      await closing;
      expect((await accepted).result).toBe('done');
    });

    test('cancels what runs when the drain is over, and leaves nothing waiting', async () => {
      const service = manualService();
      const { orchestrator, advance } = openWorld(fresh(), {
        services: { only: service },
        config: { maxParallel: 1 },
      });
      const results = ['a', 'b'].map((task) => orchestrator.execute(task));
      await turns();
      const closing = orchestrator.close({ drainSeconds: 1 });
      await advance(1001);
      await closing;
      const settled = await Promise.all(results);
      expect(settled.map(({ status, errorCode }) => [status, errorCode])).toEqual(
        Array(2).fill(['cancelled', 'SHUTTING_DOWN']),
      );
    });

    test('is idle once every caller knows', async () => {
      const { orchestrator } = openWorld(fresh(), { services: { echo: (task) => task } });
      let told: TaskResult | undefined;
      void orchestrator.execute('x').then((result) => {
        told = result;
      });
      await orchestrator.onIdle();
      await Promise.resolve();
      expect(told?.success).toBe(true);
    });

    test('acknowledges an acceptance, and a refusal', async () => {
      const { orchestrator } = openWorld(fresh(), { services: { echo: (task) => task } });
      const handle = orchestrator.submit('x');
      expect(await handle.accepted()).toBe(true);
      expect((await handle.result()).success).toBe(true);
    });

    if (!isDurable) {
      test('says clearly that it keeps no tasks', async () => {
        const { orchestrator } = openWorld(fresh());
        expect(() => orchestrator.kept).toThrow(
          'The engine "local" keeps no tasks beyond their end; create the orchestrator with engine: { kind: \'journal\', path }.',
        );
      });

      test('forgets everything at its end', async () => {
        const options = fresh();
        const service = manualService();
        const first = openWorld(options, { services: { only: service } });
        void first.orchestrator.execute('x', { idempotencyKey: 'k' });
        await turns();
        await first.orchestrator.close({ drainSeconds: 0 });
        const second = openWorld(options, { services: { only: service } });
        await turns();
        expect(second.orchestrator.stats().submitted).toBe(0);
      });
    }

    durable(
      'restart: runs what had not started, in its order, and keeps its id, key, limits and words',
      async () => {
        const options = fresh();
        const before = manualService();
        const first = openWorld(options, { services: { only: before }, config: { maxParallel: 1 } });
        const tasks = [
          first.orchestrator.execute('a'),
          first.orchestrator.execute('b', { taskId: 'mine', idempotencyKey: 'k', kwargs: { n: 1 } }),
          first.orchestrator.execute('c', { priority: 3 }),
        ];
        await turns();
        const closing = first.orchestrator.close({ drainSeconds: 0 });
        const results = await Promise.all(tasks);
        await closing;
        // The one of the highest priority ran; the others are kept.
        expect(results.map(({ errorDetails }) => errorDetails?.kept ?? false)).toEqual([true, true, false]);

        const after = manualService();
        const second = openWorld(options, { services: { only: after }, config: { maxParallel: 1 } });
        const joined = second.orchestrator.execute('b', { idempotencyKey: 'k', kwargs: { n: 1 } });
        await turns();
        after.open()[0]?.resolve();
        await turns();
        expect(after.calls.map(({ task }) => task)).toEqual(['a', 'b']);
        expect(after.calls[1]?.context).toMatchObject({
          taskId: 'mine',
          kwargs: { n: 1 },
          idempotencyKey: 'k',
        });
        after.open()[0]?.resolve('done');
        expect((await joined).result).toBe('done');
        expect(second.orchestrator.kept.find('mine')).toMatchObject({ status: 'completed', task: 'b' });
      },
    );

    durable('restart: replays the result of a key, and refuses other input under it', async () => {
      const options = fresh();
      const first = openWorld(options, { services: { echo: (task) => ({ said: task }) } });
      await first.orchestrator.execute('hi', { idempotencyKey: 'k' });
      await first.orchestrator.close();
      const second = openWorld(options, { services: { echo: () => 'other' } });
      expect((await second.orchestrator.execute('hi', { idempotencyKey: 'k' })).result).toEqual({
        said: 'hi',
      });
      expect(await second.orchestrator.execute('ho', { idempotencyKey: 'k' })).toMatchObject({
        errorCode: 'IDEMPOTENCY_CONFLICT',
      });
    });

    durable('keeps ended tasks, lists them, and tries failed ones again', async () => {
      let isUp = false;
      const { orchestrator } = openWorld(fresh(), {
        services: { moody: (task) => (isUp ? task : Promise.reject(new Error('down'))) },
        config: { maxRetries: 0 },
      });
      const { taskId } = await orchestrator.execute('x');
      expect(orchestrator.kept.list({ which: 'dead' })).toMatchObject([
        { taskId, status: 'failed', errorCode: 'SERVICE_FAILED', attempts: 1 },
      ]);
      isUp = true;
      expect(await orchestrator.kept.retry(taskId)).toBe(true);
      expect(await orchestrator.kept.result(taskId)).toMatchObject({ taskId, success: true, result: 'x' });
      expect(orchestrator.kept.list({ which: 'dead' })).toEqual([]);
      expect([await orchestrator.kept.retry(taskId), orchestrator.kept.result('nobody')]).toEqual([
        false,
        undefined,
      ]);
    });

    durable('makes of a result what can be kept, and fails what cannot', async () => {
      const circle: Record<string, unknown> = { n: 5n };
      circle.self = circle;
      const results: Record<string, unknown> = { big: circle, code: () => 1, nothing: undefined };
      const { orchestrator } = openWorld(fresh(), { services: { any: (task) => results[task] } });
      const run = (task: string): Promise<TaskResult> => orchestrator.execute(task);
      expect((await run('big')).result).toEqual({ n: '5', self: '[Circular]' });
      expect(await run('code')).toMatchObject({ status: 'failed', errorCode: 'UNSERIALISABLE' });
      expect(await run('nothing')).toMatchObject({ status: 'completed', result: null });
    });

    durable('refuses kwargs that would be others after a restart', async () => {
      const { orchestrator } = openWorld(fresh(), { services: { echo: (task) => task } });
      const kwargs = { since: new Date() };
      expect(await orchestrator.execute('x', { kwargs })).toMatchObject({
        status: 'rejected',
        errorCode: 'INVALID_INPUT',
      });
    });
  });
}

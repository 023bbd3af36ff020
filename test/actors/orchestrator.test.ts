import { describe, expect, it, vi } from 'vitest';
import {
  createOrchestrator,
  ExecutionConfig,
  type Orchestrator,
  OrchestratorError,
  ServiceRegistry,
} from '../../src/index.js';
import { drained, manualService, simulated } from '../support/simulation.js';

const config = (fields: Parameters<typeof ExecutionConfig.create>[0] = {}) =>
  ExecutionConfig.create({ fallbackService: null, ...fields });

describe('an instance whose task has ended', () => {
  const stateOf = ({ actor }: Orchestrator, instance = 'only#0'): unknown =>
    actor.getSnapshot().children[instance]?.getSnapshot().value;

  it('is released a moment later', async () => {
    const { orchestrator, advance } = simulated({ services: { only: (task) => task } });
    await orchestrator.execute('a');
    expect(stateOf(orchestrator)).toBe('busy');
    await advance(5);
    expect(stateOf(orchestrator)).toBe('idle');
  });

  it('is handed a task that comes before, without leaving busy', async () => {
    const { orchestrator, advance } = simulated({ services: { only: (task) => task } });
    await orchestrator.execute('a');
    const states = new Set<unknown>();
    const actor = orchestrator.actor.getSnapshot().children['only#0'];
    const { unsubscribe } = actor?.subscribe(({ value }) => states.add(value)) ?? {};
    const results = [await orchestrator.execute('b'), await orchestrator.execute('c')];
    expect(results.map(({ result }) => result)).toEqual(['b', 'c']);
    expect([...states]).toEqual(['busy']);
    await advance(5);
    expect([...states]).toEqual(['busy', 'idle']);
    unsubscribe?.();
  });

  it('is idle for whoever asks, and at once for an inspector', async () => {
    const { orchestrator } = simulated({ services: { only: (task) => task } });
    await orchestrator.execute('a');
    expect(orchestrator.listServices()[0]).toMatchObject({ state: 'idle', instances: { idle: 1, busy: 0 } });
    const watched = simulated({ services: { only: (task) => task }, inspect: () => {} });
    await watched.orchestrator.execute('a');
    expect(stateOf(watched.orchestrator)).toBe('idle');
  });

  it('is released once, also when whoever sees that asks for the services', async () => {
    const { orchestrator, advance } = simulated({ services: { only: (task) => task } });
    await Promise.all(['a', 'b', 'c'].map((task) => orchestrator.execute(task)));
    const seen: number[] = [];
    for (const actor of Object.values(orchestrator.actor.getSnapshot().children)) {
      actor?.subscribe(() => seen.push(orchestrator.listServices()[0]?.instances.idle ?? 0));
    }
    await advance(5);
    expect(seen).toHaveLength(3);
    const again = await Promise.all(['d', 'e', 'f', 'g'].map((task) => orchestrator.execute(task)));
    expect(again.map(({ result }) => result)).toEqual(['d', 'e', 'f', 'g']);
    expect(orchestrator.listServices()[0]?.instances).toMatchObject({ idle: 4, busy: 0 });
  });

  it('shows failed when the circuit opened in that moment', async () => {
    const service = manualService();
    const { orchestrator, advance } = simulated({
      services: { only: service },
      config: config({ circuitFailures: 1, retryOnFailure: false }),
    });
    const [good, bad] = [orchestrator.execute('a'), orchestrator.execute('b')];
    await drained();
    service.open()[0]?.resolve('fine');
    await good;
    service.open()[0]?.reject(new Error('down'));
    await bad;
    await advance(5);
    expect(['only#0', 'only#1'].map((instance) => stateOf(orchestrator, instance))).toEqual([
      'failed',
      'failed',
    ]);
  });
});

describe('Orchestrator.execute()', () => {
  it('runs a function, an object with execute() and settings around either', async () => {
    class Shouter {
      readonly mark = '!';
      execute(task: string): string {
        return task.toUpperCase() + this.mark;
      }
    }
    const { orchestrator } = simulated({
      services: {
        plain: (task) => task,
        shout: new Shouter(),
        limited: { service: new Shouter(), concurrency: 1 },
      },
    });
    const run = async (service: string) => (await orchestrator.execute('hi', { service })).result;
    expect([await run('plain'), await run('shout'), await run('limited')]).toEqual(['hi', 'HI!', 'HI!']);
    expect(orchestrator.listServices().map(({ concurrency }) => concurrency)).toEqual([5, 5, 1]);
  });

  it('answers UNKNOWN_SERVICE with the names that exist', async () => {
    const { orchestrator } = simulated({ services: { chat: (task) => task } });
    const result = await orchestrator.execute('hi', { service: 'chta' });
    expect(result).toMatchObject({ status: 'rejected', errorCode: 'UNKNOWN_SERVICE', attempts: 0 });
    expect(result.error).toContain('chat');
  });

  it('answers NO_ROUTE with the ranking when nothing fits and no fallback is registered', async () => {
    const { orchestrator } = simulated({
      services: { a: (task) => task, b: (task) => task },
      strategy: () => [['a', 0.2]],
    });
    const result = await orchestrator.execute('hi');
    expect(result).toMatchObject({ status: 'rejected', errorCode: 'NO_ROUTE', serviceName: null });
    expect(result.route?.ranked).toMatchObject([{ service: 'a', confidence: 0.2 }]);
  });

  it('gives each attempt its own copy of kwargs and leaves the caller his', async () => {
    const seen: unknown[] = [];
    const kwargs = { pages: [1, 2] };
    const { orchestrator, advance } = simulated({
      services: {
        greedy: (_task, context) => {
          const pages = (context.kwargs as typeof kwargs).pages;
          seen.push([...pages]);
          pages.length = 0;
          if (context.attempt === 1) throw new Error('again');
        },
      },
    });
    const result = orchestrator.execute('work', { kwargs });
    await advance(1_000);
    expect((await result).attempts).toBe(2);
    expect(seen).toEqual([
      [1, 2],
      [1, 2],
    ]);
    expect(kwargs).toEqual({ pages: [1, 2] });
  });

  it('answers INVALID_INPUT for kwargs that cannot be copied', async () => {
    const { orchestrator } = simulated({ services: { echo: (task) => task } });
    const result = await orchestrator.execute('hi', { kwargs: { callback: () => {} } });
    expect(result).toMatchObject({ status: 'rejected', errorCode: 'INVALID_INPUT' });
  });

  it('answers DUPLICATE_ID while a task of the same id is open, and takes the id again after', async () => {
    const service = manualService();
    const { orchestrator } = simulated({ services: { only: service } });
    const first = orchestrator.execute('a', { taskId: 'mine' });
    expect(await orchestrator.execute('b', { taskId: 'mine' })).toMatchObject({ errorCode: 'DUPLICATE_ID' });
    await drained();
    service.calls[0]?.resolve();
    expect(await first).toMatchObject({ taskId: 'mine', success: true });
    void orchestrator.execute('c', { taskId: 'mine' });
    await drained();
    expect(service.calls).toHaveLength(2);
  });

  it('collects what an async generator yields and reports text as progress', async () => {
    const messages: unknown[] = [];
    const { orchestrator } = simulated({
      services: {
        async *words() {
          yield 'one';
          yield 'two';
        },
      },
    });
    const result = await orchestrator.execute('count', {
      onProgress: (_, message) => messages.push(message),
    });
    expect(result.result).toEqual(['one', 'two']);
    expect(messages).toEqual(['one', 'two']);
  });

  it('keeps code, message and data of what a service throws', async () => {
    const { orchestrator } = simulated({
      services: {
        picky: () => {
          throw new OrchestratorError('NEEDS_INPUT', 'Name a file.', { accepted: ['pdf'] });
        },
      },
    });
    expect(await orchestrator.execute('read')).toMatchObject({
      errorCode: 'NEEDS_INPUT',
      error: 'Name a file.',
      errorDetails: { accepted: ['pdf'] },
      attempts: 1,
    });
  });

  it('survives services that throw what cannot be read', async () => {
    const hostile = Object.defineProperty({}, 'message', {
      get() {
        throw new Error('no');
      },
    });
    for (const thrown of [undefined, null, 'text', 42, hostile, Object.create(null)]) {
      const { orchestrator } = simulated({
        services: { rude: () => Promise.reject(thrown) },
        config: config({ maxRetries: 0 }),
      });
      expect(await orchestrator.execute('hi')).toMatchObject({ errorCode: 'SERVICE_FAILED', success: false });
    }
  });
});

describe('TaskResult.route', () => {
  const echo = (task: string): string => task;

  it.each([
    ['names its service', { a: echo, b: echo }, { service: 'a' }],
    ['has only one service to go to', { a: echo }, undefined],
  ])('of a task that %s cannot be changed for the next task', async (_, services, options) => {
    const { orchestrator } = simulated({ services });
    const { route } = await orchestrator.execute('x', options);
    const before = structuredClone(route);
    expect(() => Object.assign(route ?? {}, { why: 'changed' })).toThrow(TypeError);
    expect(() => Object.assign(route?.ranked ?? [], [{ service: 'b' }])).toThrow(TypeError);
    expect(route?.ranked.every(Object.isFrozen)).toBe(true);
    expect((await orchestrator.execute('y', options)).route).toEqual(before);
  });
});

it('OrchestratorStats.submitted leaves out who joins a task or replays its result', async () => {
  const { orchestrator } = simulated({ services: { only: (task) => task } });
  const options = { idempotencyKey: 'k' };
  await Promise.all([orchestrator.execute('x', options), orchestrator.execute('x', options)]);
  await orchestrator.execute('x', options);
  expect(orchestrator.stats()).toMatchObject({ submitted: 1, completed: 1 });
});

describe('Orchestrator.executeParallel()', () => {
  it('answers [] for no tasks', async () => {
    expect(await simulated().orchestrator.executeParallel([])).toEqual([]);
  });

  it('keeps its own maxParallel within the limit of the orchestrator', async () => {
    const service = manualService();
    const { orchestrator } = simulated({ services: { only: service } });
    const done = orchestrator.executeParallel(['a', 'b', 'c', 'd'], { maxParallel: 2 });
    for (let left = 4; left > 0; left -= 1) {
      await drained();
      expect(service.open()).toHaveLength(Math.min(2, left));
      service.open()[0]?.resolve();
    }
    expect(await done).toHaveLength(4);
  });

  it('cancels the rest on the first failure with failFast', async () => {
    const service = manualService();
    const { orchestrator } = simulated({
      services: { only: service },
      config: config({ maxRetries: 0, maxParallel: 2 }),
    });
    const done = orchestrator.executeParallel(['a', 'b', 'c'], { failFast: true });
    await drained();
    service.calls[0]?.reject(new Error('no'));
    expect((await done).map(({ status }) => status)).toEqual(['failed', 'cancelled', 'cancelled']);
  });

  it.each([
    ['the signal of the batch', false],
    ['failFast', true],
  ])('cancels a task that has a signal of its own by %s', async (_, failFast) => {
    const service = manualService();
    const { orchestrator } = simulated({ services: { only: service }, config: config({ maxRetries: 0 }) });
    const batch = new AbortController();
    const { signal } = new AbortController();
    const done = orchestrator.executeParallel(['first', { task: 'second', signal }], {
      failFast,
      signal: batch.signal,
    });
    await drained();
    if (failFast) service.calls[0]?.reject(new Error('no'));
    else batch.abort(new Error('enough'));
    expect((await done)[1]).toMatchObject({ status: 'cancelled' });
    expect(service.calls[1]?.context.signal.aborted).toBe(true);
  });

  it('lets a task that has a signal of its own be cancelled by that alone', async () => {
    const service = manualService();
    const { orchestrator } = simulated({ services: { only: service } });
    const own = new AbortController();
    const done = orchestrator.executeParallel(['first', { task: 'second', signal: own.signal }], {
      signal: new AbortController().signal,
    });
    await drained();
    own.abort(new Error('not this one'));
    service.calls[0]?.resolve();
    expect((await done).map(({ status }) => status)).toEqual(['completed', 'cancelled']);
  });

  it('settles a thousand refusals without recursion', async () => {
    const { orchestrator } = simulated({ services: { a: (task) => task } });
    const tasks = Array.from({ length: 20_000 }, () => ({ task: 'x', kwargs: { bad: () => {} } }));
    const results = await orchestrator.executeParallel(tasks, { maxParallel: 1 });
    expect(results.every(({ errorCode }) => errorCode === 'INVALID_INPUT')).toBe(true);
  });
});

describe('Orchestrator.executeSubtasks()', () => {
  const echo = (task: string, { kwargs }: { kwargs: Readonly<Record<string, unknown>> }): unknown => ({
    task,
    kwargs,
  });

  it('runs subtasks with their own kwargs in parallel and answers in input order', async () => {
    const { orchestrator } = simulated({ services: { echo } });
    const results = await orchestrator.executeSubtasks([
      { task: 'a', kwargs: { page: 1 } },
      { task: 'b', kwargs: { page: 2 }, service: 'echo' },
    ]);
    expect(results.map(({ result }) => result)).toEqual([
      { task: 'a', kwargs: { page: 1 } },
      { task: 'b', kwargs: { page: 2 } },
    ]);
  });

  it('runs one after another in sequence', async () => {
    const service = manualService();
    const { orchestrator } = simulated({ services: { only: service } });
    const done = orchestrator.executeSubtasks([{ task: 'a' }, { task: 'b' }], { parallel: false });
    await drained();
    expect(service.calls.map(({ task }) => task)).toEqual(['a']);
    service.calls[0]?.resolve();
    await drained();
    service.calls[1]?.resolve();
    expect((await done).every(({ success }) => success)).toBe(true);
  });

  it('waits for dependencies, hands their results over, and cancels what cannot run', async () => {
    const { orchestrator } = simulated({
      services: {
        echo,
        broken: () => {
          throw new OrchestratorError('INVALID_INPUT', 'no');
        },
      },
    });
    const results = await orchestrator.executeSubtasks([
      { id: 'sum', task: 'sum', service: 'echo', dependsOn: ['left', 'right'] },
      { id: 'left', task: '1', service: 'echo' },
      { id: 'right', task: '2', service: 'echo' },
      { id: 'bad', task: 'x', service: 'broken' },
      { id: 'after', task: 'y', service: 'echo', dependsOn: ['bad'] },
    ]);
    expect(results[0]?.result).toEqual({
      task: 'sum',
      kwargs: { dependencies: { left: { task: '1', kwargs: {} }, right: { task: '2', kwargs: {} } } },
    });
    expect(results[4]).toMatchObject({ status: 'cancelled', attempts: 0 });
    expect(results[4]?.error).toContain('"bad"');
  });

  it.each([
    [
      'ids that repeat',
      [
        { id: 'a', task: 'x' },
        { id: 'a', task: 'y' },
      ],
      /Two subtasks/,
    ],
    ['an unknown dependency', [{ task: 'x', dependsOn: ['nope'] }], /nope/],
    [
      'a circle',
      [
        { id: 'a', task: 'x', dependsOn: ['b'] },
        { id: 'b', task: 'y', dependsOn: ['a'] },
      ],
      /circle/,
    ],
  ])('refuses %s before anything starts', async (_, subtasks, message) => {
    const { orchestrator } = simulated({ services: { echo } });
    await expect(orchestrator.executeSubtasks(subtasks)).rejects.toThrow(message);
    expect(orchestrator.stats().submitted).toBe(0);
  });

  it.each<[object, RegExp]>([
    [{ maxParallel: 1, failFast: true }, /maxParallel.*failFast/],
    [{ parallel: 'no' }, /parallel/],
    [{ signal: 'no' }, /expected an AbortSignal/],
  ])('refuses the options %j', async (options, message) => {
    const ran = vi.fn();
    const { orchestrator } = simulated({ services: { only: ran } });
    await expect(orchestrator.executeSubtasks([{ task: 'a' }], options)).rejects.toThrow(message);
    expect(ran).not.toHaveBeenCalled();
  });

  it('takes options that say nothing', async () => {
    const { orchestrator } = simulated({ services: { only: (task) => task } });
    const options = { parallel: undefined, signal: undefined, onProgress: undefined, traceparent: undefined };
    expect(await orchestrator.executeSubtasks([{ task: 'a' }], options)).toMatchObject([{ success: true }]);
  });
});

describe('Orchestrator.stream()', () => {
  it('cancels the rest when the loop is left', async () => {
    const service = manualService();
    const { orchestrator } = simulated({ services: { only: service } });
    const streaming = (async () => {
      for await (const _ of orchestrator.stream(['a', 'b'])) break;
    })();
    await drained();
    service.calls[0]?.resolve();
    await streaming;
    expect(service.calls[1]?.context.signal.aborted).toBe(true);
  });

  it('cancels a task that has a signal of its own when the loop is left', async () => {
    const service = manualService();
    const { orchestrator } = simulated({ services: { only: service } });
    const { signal } = new AbortController();
    const streaming = (async () => {
      for await (const _ of orchestrator.stream(['a', { task: 'b', signal }])) break;
    })();
    await drained();
    service.calls[0]?.resolve();
    await streaming;
    expect(service.calls[1]?.context.signal.aborted).toBe(true);
  });
});

describe('the queue', () => {
  it('lets running attempts end while paused, and clear answers the waiting ones', async () => {
    const service = manualService();
    const { orchestrator } = simulated({ services: { only: service }, config: config({ maxParallel: 1 }) });
    const running = orchestrator.execute('running');
    const waiting = orchestrator.execute('waiting');
    await drained();
    orchestrator.pause();
    expect(orchestrator.stats().isPaused).toBe(true);
    service.calls[0]?.resolve();
    expect((await running).success).toBe(true);
    const idle = orchestrator.onIdle();
    orchestrator.clear();
    expect(await waiting).toMatchObject({ status: 'cancelled', attempts: 0 });
    await idle;
    expect(service.calls).toHaveLength(1);
  });

  it('tells listeners what happened, in order', async () => {
    const { orchestrator } = simulated({ services: { echo: (task) => task } });
    const seen: string[] = [];
    for (const name of ['add', 'active', 'next', 'completed', 'error', 'empty', 'idle'] as const) {
      orchestrator.on(name, () => seen.push(name));
    }
    await orchestrator.execute('hi');
    expect(seen).toEqual(['add', 'active', 'empty', 'completed', 'next', 'idle']);
  });
});

describe('ServiceRegistry', () => {
  it('lists in order of registration and refuses a name that is taken', () => {
    const registry = new ServiceRegistry({ b: (task) => task, a: (task) => task });
    expect(registry.listServices()).toEqual(['b', 'a']);
    expect(() => registry.register('a', (task) => task)).toThrow(/registered already/);
    expect(() => registry.register('c', {} as never)).toThrow(/execute/);
    expect(() => registry.register('', (task) => task)).toThrow(/name/);
    expect(() => registry.register('d', { execute: (t) => t, concurrency: 0 })).toThrow(/concurrency 0/);
    expect(registry.unregister('b')).toBe(true);
    expect(registry.unregister('b')).toBe(false);
    expect(registry.listServices()).toEqual(['a']);
  });

  it('works with names that objects have of their own', async () => {
    const names = ['__proto__', 'constructor', 'toString'];
    const { orchestrator } = simulated({
      services: new Map(names.map((name) => [name, (task: string) => task])),
    });
    for (const service of names) {
      expect(await orchestrator.execute('hi', { service })).toMatchObject({
        success: true,
        serviceName: service,
      });
    }
  });

  it('fault Q1 a service removed at work ends its running tasks and moves its waiting ones on', async () => {
    const leaving = manualService();
    const staying = manualService();
    const closed = vi.fn();
    const { orchestrator } = simulated({
      services: { leaving: { execute: leaving.execute, keywords: ['paint'], close: closed }, staying },
      config: config({ maxParallel: 1, fallbackService: 'staying' }),
    });
    const results = orchestrator.executeParallel(['paint a', 'paint b', { task: 'c', service: 'leaving' }]);
    await drained();
    orchestrator.registry.unregister('leaving');
    leaving.calls[0]?.resolve('done');
    await drained();
    staying.calls[0]?.resolve('instead');
    const [first, second, third] = await results;
    expect(first).toMatchObject({ success: true, serviceName: 'leaving' });
    expect(second).toMatchObject({ success: true, serviceName: 'staying' });
    expect(third).toMatchObject({ status: 'rejected', errorCode: 'UNKNOWN_SERVICE' });
    expect(closed).toHaveBeenCalledTimes(1);
    expect(orchestrator.listServices().map(({ name }) => name)).toEqual(['staying']);
  });

  it('closes an object that is several services once, with the last of them', async () => {
    const close = vi.fn();
    const service = { execute: (task: string) => task, close };
    const { orchestrator } = simulated({ services: { a: service, b: { service, concurrency: 2 } } });
    orchestrator.registry.unregister('a');
    await drained();
    expect(close).not.toHaveBeenCalled();
    expect(await orchestrator.execute('hi', { service: 'b' })).toMatchObject({ success: true });
    orchestrator.registry.unregister('b');
    await drained();
    expect(close).toHaveBeenCalledTimes(1);
    await orchestrator.close();
    expect(close).toHaveBeenCalledTimes(1);
  });

  it('closes an object that is several services once when it closes itself', async () => {
    const close = vi.fn();
    const service = { execute: (task: string) => task, close };
    const { orchestrator } = simulated({ services: { a: service, b: service } });
    await orchestrator.close();
    expect(close).toHaveBeenCalledTimes(1);
  });

  it('does not close a service that is registered again with other settings', async () => {
    const close = vi.fn();
    const service = { execute: (task: string) => task, close };
    const { orchestrator } = simulated({ services: { a: service } });
    orchestrator.registry.register('a', { service, concurrency: 2 }, { replace: true });
    await drained();
    expect(close).not.toHaveBeenCalled();
    await orchestrator.close();
    expect(close).toHaveBeenCalledTimes(1);
  });

  it('closes an object only when the attempt of a removed service that has it has ended', async () => {
    const close = vi.fn();
    const { execute, calls } = manualService();
    const service = { execute, close };
    const { orchestrator } = simulated({ services: { a: service, b: service, c: execute } });
    const running = orchestrator.execute('x', { service: 'a' });
    await drained();
    orchestrator.registry.unregister('a');
    orchestrator.registry.unregister('b');
    await drained();
    expect(close).not.toHaveBeenCalled();
    calls[0]?.resolve('done');
    expect(await running).toMatchObject({ success: true });
    await drained();
    expect(close).toHaveBeenCalledTimes(1);
  });

  it('fault Q2 a service replaced at work drains, and the newcomer takes the waiting tasks', async () => {
    const old = manualService();
    const newcomer = manualService();
    const { orchestrator } = simulated({ services: { only: old }, config: config({ maxParallel: 1 }) });
    const results = orchestrator.executeParallel(['a', 'b']);
    await drained();
    orchestrator.registry.register('only', newcomer, { replace: true });
    await drained();
    expect(newcomer.calls).toHaveLength(0);
    old.calls[0]?.resolve('old');
    await drained();
    newcomer.calls[0]?.resolve('new');
    expect((await results).map(({ result }) => result)).toEqual(['old', 'new']);
  });
});

describe('ExecutionConfig.create()', () => {
  it('fills in the defaults of both halves', () => {
    const { taskConfig, routingConfig } = ExecutionConfig.create({
      maxParallel: 7,
      confidenceThreshold: 0.6,
    });
    expect(taskConfig).toMatchObject({
      maxParallel: 7,
      timeoutSeconds: 300,
      retryOnFailure: true,
      maxRetries: 2,
    });
    expect(routingConfig).toMatchObject({
      useKeywordMatching: true,
      useCapabilityMatching: true,
      fallbackService: 'chat',
      confidenceThreshold: 0.6,
    });
  });

  it.each([
    [{ maxParralel: 3 }, /maxParralel/],
    [{ maxParallel: 0 }, /maxParallel/],
    [{ confidenceThreshold: 1.5 }, /confidenceThreshold/],
    [{ timeoutSeconds: Number.NaN }, /timeoutSeconds/],
  ])('refuses %j and names the key', (fields, message) => {
    expect(() => ExecutionConfig.create(fields as never)).toThrow(message);
    expect(() => ExecutionConfig.create(fields as never)).toThrow(TypeError);
  });

  it('is refused by createOrchestrator when a part or a strategy is wrong', () => {
    expect(() => createOrchestrator({ config: { taskconfig: {} } as never })).toThrow(/taskconfig/);
    expect(() => createOrchestrator({ strategy: {} as never })).toThrow(/route\(\)/);
  });
});

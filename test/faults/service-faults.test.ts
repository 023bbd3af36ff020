import { describe, expect, it, vi } from 'vitest';
import { OrchestratorError, type TaskResult } from '../../src/index.js';
import { drained, manualService, simulated } from '../support/simulation.js';
import { config, expectAtRest, expectNothingUnhandled, recordingLog } from './support.js';

expectNothingUnhandled();

const once = config({ maxRetries: 0 });

describe('fault S1 and S2, what a service throws', () => {
  it('fault S1 a synchronous throw is retried like a rejection, and the instance is idle again', async () => {
    const attempts: number[] = [];
    const { orchestrator, advance } = simulated({
      services: {
        only: (_task, { attempt }) => {
          attempts.push(attempt);
          throw new Error('no luck');
        },
      },
      config: config({ maxRetries: 1, backoffBaseSeconds: 1 }),
    });
    const result = orchestrator.execute('work');
    await advance(499);
    expect(attempts).toEqual([1]);
    await advance(1);
    expect(await result).toMatchObject({
      status: 'failed',
      errorCode: 'SERVICE_FAILED',
      attempts: 2,
      executionTime: 0.5,
    });
    await expectAtRest(orchestrator);
    expect(orchestrator.stats()).toMatchObject({ failed: 1, lateSettlements: 0 });
  });

  const throwing = (key: string): object =>
    Object.defineProperty({}, key, {
      enumerable: true,
      get() {
        throw new Error('getter');
      },
    });
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  it.each([
    ['a string', 'text', /text/],
    ['undefined', undefined, /undefined/],
    ['null', null, /null/],
    ['a symbol', Symbol('odd'), /odd/],
    ['a bigint', 42n, /42/],
    ['a function', () => {}, /failed on attempt 1/],
    ['an object without prototype', Object.create(null), /no readable message/],
    ['an object whose message throws', throwing('message'), /cannot be read/],
    ['an object whose code throws', throwing('code'), /cannot be read/],
    ['an object whose data throws', throwing('data'), /cannot be read/],
    [
      'an object whose data has a getter that throws',
      { message: 'm', data: throwing('x') },
      /cannot be read/,
    ],
    ['a revoked proxy', revoked.proxy, /cannot be read/],
    ['an unknown code', { code: 'WHAT', message: 'odd' }, /odd/],
    ['an inherited name for a code', { code: 'toString', message: 'odd' }, /odd/],
    [
      'an error whose message throws',
      Object.defineProperty(new Error('x'), 'message', {
        get: () => {
          throw new Error('no');
        },
      }),
      /cannot be read/,
    ],
    [
      'an error of ours that lost its facts',
      Object.assign(new OrchestratorError('SERVICE_FAILED', 'x'), { facts: null }),
      /^x$/,
    ],
  ])('fault S2 rejecting with %s is SERVICE_FAILED', async (_, cause, message) => {
    const { orchestrator } = simulated({ services: { only: () => Promise.reject(cause) }, config: once });
    const result = await orchestrator.execute('work');
    expect(result).toMatchObject({
      status: 'failed',
      errorCode: 'SERVICE_FAILED',
      result: null,
      attempts: 1,
    });
    expect(result.error).toMatch(message);
    await expectAtRest(orchestrator);
  });
});

describe('fault S3, S4 and S5, attempts that do not end', () => {
  it('fault S3 an attempt that never settles ends at its timeout with its signal aborted, once', async () => {
    const service = manualService();
    const { orchestrator, advance } = simulated({
      services: { only: service },
      config: config({ timeoutSeconds: 2, maxRetries: 0 }),
    });
    const result = orchestrator.execute('work');
    await advance(1_999);
    expect(service.calls[0]?.context.signal.aborted).toBe(false);
    await advance(1);
    expect(await result).toMatchObject({
      status: 'timed_out',
      errorCode: 'TIMEOUT',
      attempts: 1,
      executionTime: 2,
    });
    expect(service.calls[0]?.context.signal.aborted).toBe(true);
    expect(service.calls[0]?.context.signal.reason).toMatchObject({ code: 'TIMEOUT' });
    expect(orchestrator.stats()).toMatchObject({ running: 0, abandoned: 1, timedOut: 1, lateSettlements: 0 });
  });

  it('fault S3 a timeout is retried on another instance, each attempt with a whole timeout of its own', async () => {
    const service = manualService();
    const { orchestrator, advance } = simulated({
      services: { only: service },
      config: config({ timeoutSeconds: 2, maxRetries: 2, backoffBaseSeconds: 1 }),
    });
    const result = orchestrator.execute('work');
    await advance(2_000);
    await advance(500);
    expect(service.calls).toHaveLength(2);
    await advance(1_999);
    expect(orchestrator.stats()).toMatchObject({ running: 1, abandoned: 1 });
    await advance(1);
    await advance(1_000);
    expect(service.calls).toHaveLength(3);
    service.calls[2]?.resolve('third time lucky');
    expect(await result).toMatchObject({ result: 'third time lucky', attempts: 3, executionTime: 5.5 });
    expect(orchestrator.stats()).toMatchObject({ abandoned: 2, completed: 1, timedOut: 0 });
  });

  it.each([
    ['resolves', (service: ReturnType<typeof manualService>) => service.calls[0]?.resolve('late')],
    ['rejects', (service: ReturnType<typeof manualService>) => service.calls[0]?.reject(new Error('late'))],
  ])('fault S4 an attempt that %s after its timeout is counted and dropped', async (_, settle) => {
    const service = manualService();
    const { orchestrator, advance } = simulated({
      services: { only: service },
      config: config({ timeoutSeconds: 1, maxRetries: 0, circuitFailures: 2 }),
    });
    const results: TaskResult[] = [];
    orchestrator.on('next', (result) => results.push(result));
    void orchestrator.execute('work');
    await advance(1_000);
    settle(service);
    await expectAtRest(orchestrator);
    expect(results.map(({ status }) => status)).toEqual(['timed_out']);
    expect(orchestrator.stats()).toMatchObject({ lateSettlements: 1, timedOut: 1, completed: 0, failed: 0 });
  });

  it('fault S4 the late answer of a first attempt is not taken for that of the second', async () => {
    const service = manualService();
    const { orchestrator, advance } = simulated({
      services: { only: service },
      config: config({ timeoutSeconds: 1, backoffBaseSeconds: 1 }),
    });
    const result = orchestrator.execute('work');
    await advance(1_000);
    await advance(500);
    service.calls[0]?.resolve('stale');
    await drained();
    expect(orchestrator.stats()).toMatchObject({ running: 1, lateSettlements: 1, abandoned: 0 });
    service.calls[1]?.resolve('fresh');
    expect(await result).toMatchObject({ result: 'fresh', attempts: 2 });
    await expectAtRest(orchestrator);
  });

  it('fault S4 the late answer of a cancelled task is counted and dropped', async () => {
    const service = manualService();
    const { orchestrator } = simulated({ services: { only: service }, config: config() });
    const handle = orchestrator.submit('work');
    await drained();
    handle.cancel();
    service.calls[0]?.resolve('late');
    expect((await handle.result()).status).toBe('cancelled');
    await expectAtRest(orchestrator);
    expect(orchestrator.stats()).toMatchObject({ lateSettlements: 1, cancelled: 1, completed: 0 });
  });

  it('fault S5 a service with concurrency 1 and a timeout never really runs two attempts at once, even when its code ignores the signal', async () => {
    let inside = 0;
    let most = 0;
    const ends: (() => void)[] = [];
    const { orchestrator, advance } = simulated({
      services: {
        only: {
          concurrency: 1,
          execute: async () => {
            inside += 1;
            most = Math.max(most, inside);
            await new Promise<void>((resolve) => ends.push(resolve));
            inside -= 1;
          },
        },
      },
      config: config({ timeoutSeconds: 1, maxRetries: 3, maxParallel: 4, circuitFailures: 3 }),
    });
    const tasks = orchestrator.executeParallel(['a', 'b', 'c']);
    for (let step = 0; step < 600; step += 1) {
      await advance(250);
      if (step % 11 === 10) ends.shift()?.();
    }
    let isDone = false;
    void tasks.then(() => {
      isDone = true;
    });
    while (!isDone || ends.length > 0) {
      ends.shift()?.();
      await advance(10_000);
    }
    await drained();
    expect(most).toBe(1);
    expect(inside).toBe(0);
    expect(orchestrator.stats()).toMatchObject({ running: 0, queued: 0, retrying: 0, abandoned: 0 });
  });

  it('fault S5 an abandoned attempt frees its parallel slot at once and keeps its instance', async () => {
    const deaf = manualService();
    const other = manualService();
    const { orchestrator } = simulated({
      services: { deaf: { service: deaf, concurrency: 1 }, other },
      config: config({ maxParallel: 1 }),
    });
    const handle = orchestrator.submit('deaf', { service: 'deaf' });
    void orchestrator.execute('next', { service: 'deaf' });
    void orchestrator.execute('other', { service: 'other' });
    await drained();
    handle.cancel();
    await drained();
    expect(other.open()).toHaveLength(1);
    expect(deaf.calls).toHaveLength(1);
    expect(orchestrator.stats()).toMatchObject({ running: 1, abandoned: 1, queued: 1 });
    other.calls[0]?.resolve();
    deaf.calls[0]?.resolve();
    await drained();
    expect(deaf.calls.map(({ task }) => task)).toEqual(['deaf', 'next']);
  });

  it('fault S5 once abandoned attempts hold all instances of a service its circuit opens and what waits moves on', async () => {
    const deaf = manualService();
    const spare = manualService();
    const { orchestrator, advance } = simulated({
      services: { deaf: { service: deaf, concurrency: 2 }, spare },
      strategy: () => [
        ['deaf', 0.9],
        ['spare', 0.8],
      ],
      config: config({ timeoutSeconds: 1, maxRetries: 0, circuitFailures: 1_000 }),
    });
    const results = orchestrator.executeParallel(['a', 'b', 'c']);
    await advance(1_000);
    expect(deaf.calls).toHaveLength(2);
    expect(spare.calls).toHaveLength(0);
    await advance(1_000);
    expect(spare.open().map(({ task }) => task)).toEqual(['c']);
    expect(orchestrator.listServices()[0]).toMatchObject({ state: 'failed' });
    spare.calls[0]?.resolve();
    expect((await results).map(({ serviceName }) => serviceName)).toEqual(['deaf', 'deaf', 'spare']);
    // Held instances are not probed; a freed one is.
    await advance(10_000);
    void orchestrator.execute('d', { service: 'deaf' });
    await drained();
    expect(deaf.calls).toHaveLength(2);
    deaf.calls[0]?.resolve();
    await drained();
    expect(deaf.calls).toHaveLength(3);
    deaf.calls[2]?.resolve();
    await drained();
    expect(orchestrator.listServices()[0]?.retryAt).toBeNull();
  });

  it('fault S5 instances that are held again and again, and not all the while, open no circuit', async () => {
    const deaf = manualService();
    const { orchestrator, advance } = simulated({
      services: { deaf: { service: deaf, concurrency: 1 } },
      config: config({ timeoutSeconds: 1, maxRetries: 0, circuitFailures: 1_000 }),
    });
    const stateOf = (): unknown => orchestrator.listServices()[0]?.state;
    void orchestrator.execute('a');
    await advance(1_000);
    await advance(500);
    deaf.calls[0]?.resolve();
    await drained();
    void orchestrator.execute('b', { timeoutSeconds: 0.2 });
    await advance(200);
    expect([deaf.calls.length, orchestrator.stats().abandoned]).toEqual([2, 1]);
    // A second after the first began to hold its instance, and half of one after the second did.
    await advance(500);
    expect(stateOf()).not.toBe('failed');
    await advance(500);
    expect(stateOf()).toBe('failed');
  });

  it('fault S5 a retry takes another instance, never the one its own abandoned attempt holds', async () => {
    const service = manualService();
    const instances: string[] = [];
    const { orchestrator, advance } = simulated({
      services: { only: { service, concurrency: 2 } },
      config: config({ timeoutSeconds: 1, backoffBaseSeconds: 1 }),
    });
    orchestrator.on('event', (event) => {
      if (event.type === 'started') instances.push(event.instance);
    });
    void orchestrator.execute('work');
    await advance(1_000);
    await advance(500);
    expect(instances).toHaveLength(2);
    expect(new Set(instances).size).toBe(2);
  });
});

describe('fault S6 and S7, what a service returns', () => {
  it.each([
    ['a string', () => 'x'.repeat(100 * 1024 * 1024), 'x'.repeat(1024)],
    ['a buffer', () => Buffer.alloc(17 * 1024 * 1024), `${17 * 1024 * 1024} bytes`],
    ['many small strings', () => Array.from({ length: 2 ** 20 }, () => 'twenty characters...'), undefined],
  ])(
    'fault S6 %s above maxResultBytes is RESULT_TOO_LARGE with a preview, after one attempt',
    async (_, make, preview) => {
      const { orchestrator } = simulated({ services: { only: make }, config: config() });
      const result = await orchestrator.execute('work');
      expect(result).toMatchObject({
        status: 'failed',
        errorCode: 'RESULT_TOO_LARGE',
        attempts: 1,
        result: null,
      });
      if (preview !== undefined) expect(result.errorDetails?.preview).toBe(preview);
      expect(String(result.errorDetails?.preview).length).toBeLessThanOrEqual(1024);
      await expectAtRest(orchestrator);
    },
  );

  it('fault S6 what an async iterable yields is measured while it comes', async () => {
    let yielded = 0;
    const { orchestrator, advance } = simulated({
      services: {
        async *only() {
          for (;;) {
            yielded += 1;
            yield 'x'.repeat(1_000);
          }
        },
      },
      config: config({ maxResultBytes: 10_000 }),
    });
    const result = orchestrator.execute('work');
    await advance(10);
    expect(await result).toMatchObject({ errorCode: 'RESULT_TOO_LARGE', attempts: 1 });
    expect(yielded).toBeLessThan(20);
    await expectAtRest(orchestrator);
  });

  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  const revoked = Proxy.revocable({}, {});
  const hiding = { draft: revoked.proxy };
  it.each([
    ['a BigInt', 12n],
    ['a cycle', cycle],
    ['a function', () => 'f'],
    ['a symbol', Symbol('s')],
    ['a Date', new Date(0)],
    ['a Map', new Map([['a', 1]])],
    ['a Set', new Set([1])],
    [
      'a throwing toJSON',
      {
        toJSON: () => {
          throw new Error('no');
        },
      },
    ],
    [
      'a getter that throws',
      Object.defineProperty({}, 'x', {
        enumerable: true,
        get: () => {
          throw new Error('no');
        },
      }),
    ],
    ['an object without prototype', Object.create(null)],
    ['a typed array', new Uint8Array(3)],
    [
      'a class instance',
      new (class Box {
        value = 1;
      })(),
    ],
    ['a result of its own kind', { status: 'failed', success: false }],
  ])('fault S7 %s is handed over untouched', async (_, value) => {
    const { orchestrator } = simulated({ services: { only: async () => value }, config: once });
    const result = await orchestrator.execute('work');
    expect(result.status).toBe('completed');
    expect(result.result).toBe(value);
    await expectAtRest(orchestrator);
  });

  it('fault S7 an object that holds a revoked proxy is handed over untouched', async () => {
    revoked.revoke();
    const { orchestrator } = simulated({ services: { only: async () => hiding }, config: once });
    const result = await orchestrator.execute('work');
    expect(result.status).toBe('completed');
    expect(result.result === hiding).toBe(true);
    await expectAtRest(orchestrator);
  });

  it('fault S7 an array whose length cannot be read is handed over untouched', async () => {
    const value = new Proxy([1], {
      get: (target, name) => {
        if (name === 'length') throw new Error('no');
        return Reflect.get(target, name);
      },
    });
    const { orchestrator } = simulated({ services: { only: () => value } });
    const { status, result } = await orchestrator.execute('work');
    expect(status).toBe('completed');
    expect(result === value).toBe(true);
    await expectAtRest(orchestrator);
  });

  it('fault S7 a service may return itself or its context', async () => {
    const service = {
      execute(task: string, context: unknown): unknown {
        return task === 'self' ? this : context;
      },
    };
    const { orchestrator } = simulated({ services: { only: service }, config: once });
    expect((await orchestrator.execute('self')).result).toBe(service);
    expect(await orchestrator.execute('context')).toMatchObject({ result: { taskId: 't2', attempt: 1 } });
    await expectAtRest(orchestrator);
  });

  it.each([
    ['undefined', undefined],
    ['null', null],
  ])('fault S16 a service that returns %s has completed', async (_, value) => {
    const { orchestrator } = simulated({ services: { only: async () => value } });
    const result = await orchestrator.execute('work');
    expect(result).toMatchObject({ status: 'completed', success: true, error: null, errorCode: null });
    expect(result.result).toBe(value);
  });
});

describe('fault S8, kwargs', () => {
  it('fault S8 the caller keeps his object, and each attempt sees the original', async () => {
    const kwargs = { list: [1, 2], nested: { a: 1 } };
    const seen: string[] = [];
    const { orchestrator, advance } = simulated({
      services: {
        only: (_task, context) => {
          seen.push(JSON.stringify(context.kwargs));
          const own = context.kwargs as typeof kwargs;
          own.list.push(3);
          own.nested.a += 1;
          if (context.attempt < 3) throw new Error('again');
        },
      },
    });
    const result = orchestrator.execute('work', { kwargs });
    kwargs.list.push(99);
    for (let step = 0; step < 3; step += 1) await advance(1_000);
    expect((await result).attempts).toBe(3);
    expect(new Set(seen)).toEqual(new Set(['{"list":[1,2],"nested":{"a":1}}']));
    expect(kwargs).toEqual({ list: [1, 2, 99], nested: { a: 1 } });
  });

  it.each([
    ['a function', { callback: () => {} }],
    ['a symbol', { symbol: Symbol('s') }],
    ['a promise', { promise: Promise.resolve() }],
    ['a weak map', { map: new WeakMap() }],
    [
      'a nested getter that throws',
      {
        a: Object.defineProperty({}, 'x', {
          enumerable: true,
          get: () => {
            throw new Error('no');
          },
        }),
      },
    ],
    ['a proxy', { proxy: new Proxy({}, {}) }],
  ])('fault S8 kwargs with %s are INVALID_INPUT without an attempt', async (_, kwargs) => {
    const { orchestrator } = simulated({ services: { only: (task) => task } });
    const result = await orchestrator.execute('work', { kwargs: kwargs as Record<string, unknown> });
    expect(result).toMatchObject({ status: 'rejected', errorCode: 'INVALID_INPUT', attempts: 0 });
    expect(orchestrator.stats()).toMatchObject({ submitted: 1, rejected: 1 });
  });
});

describe('fault S8, options', () => {
  it('fault S8 kwargs whose own getter throws are misuse and submit nothing', async () => {
    const kwargs = Object.defineProperty({}, 'x', {
      enumerable: true,
      get: () => {
        throw new Error('unreadable');
      },
    });
    const { orchestrator } = simulated({ services: { only: (task) => task } });
    await expect(orchestrator.execute('work', { kwargs })).rejects.toThrow(TypeError);
    await expect(orchestrator.execute('work', { kwargs })).rejects.toThrow(/unreadable/);
    await expect(orchestrator.executeParallel([{ task: 'work', kwargs }])).rejects.toThrow(/tasks\[0\]/);
    expect(orchestrator.stats().submitted).toBe(0);
  });
});

describe('fault S17 and S18, thenables and iterables', () => {
  const thenable = (
    then: (resolve: (value: unknown) => void, reject: (cause: unknown) => void) => unknown,
  ): object => ({
    then,
  });

  it.each([
    [
      'resolves twice',
      thenable((resolve) => {
        resolve('first');
        resolve('second');
      }),
      'first',
    ],
    [
      'resolves and then rejects',
      thenable((resolve, reject) => {
        resolve('first');
        reject(new Error('second'));
      }),
      'first',
    ],
    [
      'resolves and then throws',
      thenable((resolve) => {
        resolve('first');
        throw new Error('second');
      }),
      'first',
    ],
    ['resolves with a promise', thenable((resolve) => resolve(Promise.resolve('first'))), 'first'],
    [
      'is a function',
      Object.assign(
        () => {},
        thenable((resolve) => resolve('first')),
      ),
      'first',
    ],
  ])('fault S17 a thenable that %s settles once', async (_, value, expected) => {
    const { orchestrator } = simulated({ services: { only: () => value }, config: once });
    const results: unknown[] = [];
    orchestrator.on('next', ({ result }) => results.push(result));
    await orchestrator.execute('work');
    await expectAtRest(orchestrator);
    expect(results).toEqual([expected]);
  });

  it.each([
    [
      'throws in then',
      thenable(() => {
        throw new Error('odd');
      }),
    ],
    ['rejects', thenable((_, reject) => reject(new Error('odd')))],
    [
      'has a then that throws when read',
      Object.defineProperty({}, 'then', {
        get: () => {
          throw new Error('odd');
        },
      }),
    ],
  ])('fault S17 a thenable that %s is SERVICE_FAILED', async (_, value) => {
    const { orchestrator } = simulated({ services: { only: () => value }, config: once });
    expect(await orchestrator.execute('work')).toMatchObject({ errorCode: 'SERVICE_FAILED', attempts: 1 });
    await expectAtRest(orchestrator);
  });

  it('fault S17 a thenable that never resolves ends at the timeout', async () => {
    const { orchestrator, advance } = simulated({
      services: { only: () => thenable(() => {}) },
      config: config({ timeoutSeconds: 1, maxRetries: 0 }),
    });
    const result = orchestrator.execute('work');
    await advance(1_000);
    expect((await result).errorCode).toBe('TIMEOUT');
  });

  it('fault S17 a thenable that resolves with itself does not keep the event loop busy', async () => {
    const endless: unknown = thenable((resolve) => resolve(endless));
    const { orchestrator, advance } = simulated({
      services: { only: () => endless },
      config: config({ timeoutSeconds: 1, maxRetries: 0 }),
    });
    const result = orchestrator.execute('work');
    await advance(1_000);
    expect((await result).success).toBeTypeOf('boolean');
  });

  it('fault S18 return() of an async generator that never ends is called at the timeout', async () => {
    const returned = vi.fn();
    const { orchestrator, advance } = simulated({
      services: {
        async *only() {
          try {
            for (;;) {
              await drained();
              yield 'more';
            }
          } finally {
            returned();
          }
        },
      },
      config: config({ timeoutSeconds: 1, maxRetries: 0 }),
    });
    const result = orchestrator.execute('work');
    await advance(1_000);
    expect(await result).toMatchObject({ status: 'timed_out', errorCode: 'TIMEOUT' });
    await drained();
    await drained();
    expect(returned).toHaveBeenCalledTimes(1);
    await expectAtRest(orchestrator);
  });

  it('fault S18 an async generator that yields without ever waiting leaves the event loop alive', async () => {
    const { orchestrator, advance } = simulated({
      services: {
        async *only() {
          for (;;) yield 1;
        },
      },
      config: config({ timeoutSeconds: 1, maxRetries: 0 }),
    });
    const result = orchestrator.execute('work');
    await advance(500);
    expect(orchestrator.stats().running).toBe(1);
    await advance(500);
    expect(await result).toMatchObject({ status: 'timed_out', errorCode: 'TIMEOUT' });
    await advance(1);
    await expectAtRest(orchestrator);
  });

  const iterable = (fields: object): unknown => ({ [Symbol.asyncIterator]: () => fields });
  it.each([
    ['no return()', iterable({ next: () => new Promise(() => {}) })],
    [
      'a return() that throws',
      iterable({
        next: () => new Promise(() => {}),
        return: () => {
          throw new Error('return');
        },
      }),
    ],
    [
      'a return() that rejects',
      iterable({ next: () => new Promise(() => {}), return: () => Promise.reject(new Error('return')) }),
    ],
    ['a return that is no function', iterable({ next: () => new Promise(() => {}), return: 42 })],
    [
      'a return that throws when read',
      iterable({
        next: () => new Promise(() => {}),
        get return() {
          throw new Error('return');
        },
      }),
    ],
  ])('fault S18 an async iterable with %s times out and is cancelled like any other', async (_, value) => {
    const { orchestrator, advance } = simulated({
      services: { only: () => value },
      config: config({ timeoutSeconds: 1, maxRetries: 0 }),
    });
    const timed = orchestrator.execute('work');
    await advance(1_000);
    expect((await timed).errorCode).toBe('TIMEOUT');
    const handle = orchestrator.submit('work');
    await drained();
    handle.cancel();
    expect((await handle.result()).status).toBe('cancelled');
    expect(orchestrator.actor.getSnapshot().status).toBe('active');
  });

  it.each([
    [
      'whose asyncIterator throws',
      {
        [Symbol.asyncIterator]: () => {
          throw new Error('odd');
        },
      },
    ],
    ['whose asyncIterator is no function', { [Symbol.asyncIterator]: 42 }],
    ['without next()', iterable({})],
    [
      'whose next() throws',
      iterable({
        next: () => {
          throw new Error('odd');
        },
      }),
    ],
    ['whose next() returns no object', iterable({ next: () => 42 })],
    [
      'whose items throw when read',
      iterable({
        next: () => ({
          get done() {
            throw new Error('odd');
          },
        }),
      }),
    ],
  ])('fault S18 an async iterable %s is SERVICE_FAILED', async (_, value) => {
    const { orchestrator } = simulated({ services: { only: () => value }, config: once });
    expect(await orchestrator.execute('work')).toMatchObject({ errorCode: 'SERVICE_FAILED' });
    await expectAtRest(orchestrator);
  });
});

describe('fault S19, defects of ours', () => {
  it('fault S19 an instance actor that dies is replaced, its task is INTERNAL, the others go on', async () => {
    const service = manualService();
    const log = recordingLog();
    const world = simulated();
    const clock = Object.assign(Object.create(world.clock), {
      setTimeout: (callback: () => void, delayMs: number) => {
        // Entering a backoff sets a timer inside the machine of the instance.
        if (delayMs === 100) throw new Error('a defect');
        return world.clock.setTimeout(callback, delayMs);
      },
    });
    const { orchestrator } = simulated({
      services: { only: { service, concurrency: 2 } },
      environment: { ...world.environment, clock },
      config: config({ maxParallel: 2 }),
      log,
    });
    const dying = orchestrator.execute('dying');
    const living = orchestrator.execute('living');
    await drained();
    service.calls[0]?.reject(new Error('flaky'));
    await drained();
    expect(await dying).toMatchObject({ status: 'failed', errorCode: 'INTERNAL', attempts: 1 });
    expect((await dying).errorDetails?.errorId).toBeTypeOf('string');
    expect(log.error).toHaveBeenCalledTimes(1);
    expect(orchestrator.actor.getSnapshot().status).toBe('active');
    expect(orchestrator.stats()).toMatchObject({ running: 1, abandoned: 0, failed: 1 });
    service.calls[1]?.resolve('alive');
    expect((await living).result).toBe('alive');
    void orchestrator.executeParallel(['a', 'b', 'c']);
    await drained();
    expect(service.open()).toHaveLength(2);
    for (const call of service.open()) call.resolve();
    await drained();
    for (const call of service.open()) call.resolve();
    await expectAtRest(orchestrator);
    expect(Object.keys(orchestrator.actor.getSnapshot().children)).toHaveLength(2);
  });

  it('fault S19 an instance that breaks as it takes the next task of a row is replaced, the others go on', async () => {
    const world = simulated();
    const log = recordingLog();
    const clock = Object.assign(Object.create(world.clock), {
      setTimeout: (callback: () => void, delayMs: number) => {
        // The one attempt whose timeout is nearer than those that are armed.
        if (delayMs === 100) throw new Error('a defect');
        return world.clock.setTimeout(callback, delayMs);
      },
    });
    const { orchestrator } = simulated({
      services: { only: () => new Promise((resolve) => world.clock.setTimeout(() => resolve('done'), 1)) },
      environment: { ...world.environment, clock },
      config: config({ maxParallel: 1 }),
      log,
    });
    const before = orchestrator.executeParallel(['a', 'b']);
    const dying = orchestrator.execute('dying', { timeoutSeconds: 0.1 });
    const after = orchestrator.executeParallel(['c', 'd']);
    for (let step = 0; step < 6; step += 1) await world.advance(1);
    expect(await dying).toMatchObject({ status: 'failed', errorCode: 'INTERNAL', attempts: 1 });
    for (const { success } of [...(await before), ...(await after)]) expect(success).toBe(true);
    expect(log.error).toHaveBeenCalledTimes(1);
    expect(orchestrator.actor.getSnapshot().status).toBe('active');
    expect(Object.keys(orchestrator.actor.getSnapshot().children)).toEqual(['only#1']);
    await expectAtRest(orchestrator);
  });

  it('fault S19 five dead actors in 60 s are replaced, the sixth takes the service out until a probe', async () => {
    const service = manualService();
    const world = simulated();
    let isDefect = true;
    const clock = Object.assign(Object.create(world.clock), {
      setTimeout: (callback: () => void, delayMs: number) => {
        if (isDefect && delayMs === 100) throw new Error('a defect');
        return world.clock.setTimeout(callback, delayMs);
      },
    });
    const { orchestrator } = simulated({
      services: { only: service },
      environment: { ...world.environment, clock },
      config: config({ circuitFailures: 100 }),
      log: recordingLog(),
    });
    const states: unknown[] = [];
    for (let crash = 1; crash <= 6; crash += 1) {
      const dying = orchestrator.execute('dying');
      await drained();
      service.open()[0]?.reject(new Error('flaky'));
      expect((await dying).errorCode).toBe('INTERNAL');
      await drained();
      states.push(orchestrator.listServices()[0]?.state);
    }
    expect(states).toEqual(['idle', 'idle', 'idle', 'idle', 'idle', 'failed']);
    isDefect = false;
    const probe = orchestrator.execute('probe');
    await world.advance(5_000);
    service.open()[0]?.resolve('back');
    expect((await probe).success).toBe(true);
    expect(orchestrator.listServices()[0]?.state).toBe('idle');
  });
});

describe('fault S20 and S21, answers that are failures', () => {
  const busy = (status: number, retryAfterSeconds: number) => ({
    code: 'SERVICE_FAILED',
    message: 'later',
    retryable: true,
    data: { status, retryAfterSeconds },
  });

  it.each([429, 503])(
    'fault S20 after a %d the next attempt waits for the later of Retry-After and backoff',
    async (status) => {
      const service = manualService();
      const { orchestrator, advance } = simulated({
        services: { only: service },
        config: config({ backoffBaseSeconds: 10, circuitFailures: 100 }),
      });
      void orchestrator.execute('work');
      await drained();
      service.calls[0]?.reject(busy(status, 2));
      await advance(4_999);
      expect(service.calls).toHaveLength(1);
      await advance(1); // 0.5 * 10 s is later than 2 s
      expect(service.calls).toHaveLength(2);
      service.calls[1]?.reject(busy(status, 30));
      await advance(29_999);
      expect(service.calls).toHaveLength(2);
      await advance(1); // 30 s is later than 0.5 * 20 s
      expect(service.calls).toHaveLength(3);
    },
  );

  it('fault S20 a Retry-After beyond the deadline fails at once and tells the time to wait', async () => {
    const service = manualService();
    const { orchestrator, clock } = simulated({ services: { only: service }, config: config() });
    const result = orchestrator.execute('work', { deadlineSeconds: 10 });
    await drained();
    service.calls[0]?.reject(busy(429, 10));
    expect(await result).toMatchObject({
      status: 'failed',
      errorCode: 'SERVICE_FAILED',
      attempts: 1,
      errorDetails: { retryAfterSeconds: 10 },
    });
    expect(clock.now()).toBe(0);
  });

  it('fault S20 a Retry-After beyond retryAfterCapSeconds fails at once and tells the time to wait', async () => {
    const service = manualService();
    const { orchestrator, clock } = simulated({
      services: { only: service },
      config: config({ retryAfterCapSeconds: 60 }),
    });
    const [capped, waits] = [orchestrator.execute('work'), orchestrator.execute('more')];
    await drained();
    service.calls[0]?.reject(busy(503, 60.5));
    service.calls[1]?.reject(busy(503, 60));
    expect(await capped).toMatchObject({ attempts: 1, errorDetails: { retryAfterSeconds: 60.5 } });
    expect(clock.now()).toBe(0);
    expect(orchestrator.stats().retrying).toBe(1);
    void waits;
  });

  it.each([
    ['retryable false', { message: 'wrong', retryable: false }, 'SERVICE_FAILED'],
    ['a validation error', { code: 'INVALID_INPUT', message: 'wrong' }, 'INVALID_INPUT'],
    ['a lack', new OrchestratorError('NEEDS_INPUT', 'name a file'), 'NEEDS_INPUT'],
  ])('fault S21 %s is neither retried nor held against the circuit', async (_, cause, errorCode) => {
    const { orchestrator } = simulated({
      services: { only: () => Promise.reject(cause) },
      config: config({ circuitFailures: 2 }),
    });
    for (let count = 0; count < 30; count += 1) {
      expect(await orchestrator.execute('work')).toMatchObject({ status: 'failed', errorCode, attempts: 1 });
    }
    expect(orchestrator.listServices()[0]).toMatchObject({ state: 'idle', retryAt: null, failed: 30 });
  });

  it('fault S21 cancels are not held against the circuit, and a refusal proves the link alive', async () => {
    const service = manualService();
    const { orchestrator } = simulated({
      services: { only: service },
      config: config({ circuitFailures: 2, maxRetries: 0 }),
    });
    for (let count = 0; count < 5; count += 1) {
      const handle = orchestrator.submit('work');
      await drained();
      handle.cancel();
      service.calls.at(-1)?.resolve();
      await drained();
    }
    expect(orchestrator.listServices()[0]?.state).toBe('idle');
    const fail = async (cause: unknown): Promise<void> => {
      void orchestrator.execute('work');
      await drained();
      service.calls.at(-1)?.reject(cause);
      await drained();
    };
    await fail(new Error('down'));
    await fail({ code: 'INVALID_INPUT', message: 'wrong' });
    await fail(new Error('down'));
    expect(orchestrator.listServices()[0]?.state).toBe('idle');
    await fail(new Error('down'));
    expect(orchestrator.listServices()[0]?.state).toBe('failed');
  });

  it('fault S21 a crash is retried only where the service is idempotent', async () => {
    const crash = new OrchestratorError('CRASHED', 'gone');
    const { orchestrator, advance } = simulated({
      services: {
        plain: () => Promise.reject(crash),
        idempotent: { service: () => Promise.reject(crash), idempotent: true },
      },
      config: config({ maxRetries: 1, circuitFailures: 100 }),
    });
    const plain = orchestrator.execute('work', { service: 'plain' });
    const idempotent = orchestrator.execute('work', { service: 'idempotent' });
    await advance(1_000);
    expect(await plain).toMatchObject({ errorCode: 'CRASHED', attempts: 1 });
    expect(await idempotent).toMatchObject({ errorCode: 'CRASHED', attempts: 2 });
  });
});

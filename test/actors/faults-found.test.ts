import { describe, expect, it, vi } from 'vitest';
import type { RuntimeEvent } from '../../src/core/events.js';
import { checkHistory } from '../../src/core/history.js';
import { ExecutionConfig, OrchestratorError, type TaskHandle } from '../../src/index.js';
import { drained, manualService, simulated } from '../support/simulation.js';

/** Faults that the simulation found: each left a test of the behaviour that was wrong. */

const config = (fields: Parameters<typeof ExecutionConfig.create>[0] = {}) =>
  ExecutionConfig.create({ fallbackService: null, ...fields });

const throwing = (): never => {
  throw new Error('a listener threw');
};

describe('what users give cannot stop the supervisor', () => {
  it('promise C14 a throwing progress listener of a batch changes nothing', async () => {
    const { orchestrator } = simulated({ services: { echo: (task) => task } });
    const results = await orchestrator.executeParallel(['a', 'b'], { onProgress: throwing });
    expect(results.map(({ result }) => result)).toEqual(['a', 'b']);
    const steps = await orchestrator.executeSubtasks([{ task: 'c' }], { onProgress: throwing });
    expect(steps.map(({ result }) => result)).toEqual(['c']);
    expect(orchestrator.actor.getSnapshot().status).toBe('active');
  });

  it('promise C14 a logger that throws changes nothing', async () => {
    const log = { debug: throwing, info: throwing, warn: throwing, error: throwing };
    const { orchestrator } = simulated({
      services: { down: () => Promise.reject(new Error('down')) },
      config: config({ circuitFailures: 1, maxRetries: 0 }),
      log,
    });
    expect(await orchestrator.execute('work')).toMatchObject({ status: 'failed' });
    expect(orchestrator.listServices()[0]?.state).toBe('failed');
    expect(orchestrator.actor.getSnapshot().status).toBe('active');
  });

  it.each([
    ['message', 'no page'],
    ['code', 'NEEDS_INPUT'],
    ['facts', {}],
    ['isTransportFault', false],
    ['retryable', false],
  ])('promise C14 an error whose %s can be read once only fails its own task', async (field, value) => {
    const { orchestrator } = simulated({
      services: {
        odd: () => {
          const error = new OrchestratorError('NEEDS_INPUT', 'no page');
          let reads = 0;
          throw Object.defineProperty(error, field, {
            get: () => (reads++ === 0 ? value : throwing()),
          });
        },
        well: (task) => task,
      },
      config: config({ maxRetries: 0 }),
    });
    const [odd, well] = await orchestrator.executeParallel([
      { task: 'a', service: 'odd' },
      { task: 'b', service: 'well' },
    ]);
    expect(odd).toMatchObject({ status: 'failed', errorCode: 'NEEDS_INPUT', error: 'no page' });
    expect(well?.status).toBe('completed');
    expect(orchestrator.actor.getSnapshot().status).toBe('active');
  });

  it('promise C14 an error whose facts cannot be listed fails its own task', async () => {
    const facts = new Proxy({}, { ownKeys: throwing });
    const { orchestrator } = simulated({
      services: {
        odd: () => {
          throw new OrchestratorError('NEEDS_INPUT', 'no page', facts);
        },
      },
      config: config({ maxRetries: 0 }),
    });
    expect(await orchestrator.execute('a')).toMatchObject({ status: 'failed', errorCode: 'SERVICE_FAILED' });
    expect(orchestrator.actor.getSnapshot().status).toBe('active');
  });

  it.each([404, { a: 1 }, 'NO_SUCH_CODE'])(
    'an error with the code %j, which is none, is SERVICE_FAILED',
    async (code) => {
      const { orchestrator } = simulated({
        services: {
          odd: () => {
            throw new OrchestratorError(code as never, 'the server said no');
          },
        },
        config: config({ maxRetries: 0 }),
      });
      const { errorCode, error } = await orchestrator.execute('a');
      expect(errorCode).toBe('SERVICE_FAILED');
      expect(error).toContain('the server said no');
    },
  );

  it.each([undefined, 1])(
    'promise C14 an array with a hole is refused before any of it starts (maxParallel %s)',
    async (maxParallel) => {
      const { orchestrator } = simulated({ services: { echo: (task) => task } });
      const tasks = ['one'];
      tasks[2] = 'three';
      const options = maxParallel === undefined ? {} : { maxParallel };
      await expect(orchestrator.executeParallel(tasks, options)).rejects.toThrow(/tasks\[1\] is not valid/);
      const subtasks = [{ task: 'one' }];
      subtasks[2] = { task: 'three' };
      await expect(orchestrator.executeSubtasks(subtasks)).rejects.toThrow(/subtasks\[1\] is not valid/);
      expect(orchestrator.stats().submitted).toBe(0);
    },
  );

  it('promise C14 a stream with a signal that is none is refused', async () => {
    const { orchestrator } = simulated({ services: { echo: (task) => task } });
    const stream = orchestrator.stream(['a'], { signal: {} as AbortSignal });
    await expect(stream.next()).rejects.toThrow(/options is not valid/);
  });

  it('fault S18 an iterator whose return() throws at once is given up like any other', async () => {
    const endless = {
      [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}), return: throwing }),
    };
    const { orchestrator, advance } = simulated({
      services: { endless: () => endless },
      config: config({ timeoutSeconds: 1, maxRetries: 0 }),
    });
    const result = orchestrator.execute('work');
    await advance(1000);
    expect(await result).toMatchObject({ status: 'timed_out', errorCode: 'TIMEOUT' });
    expect(orchestrator.actor.getSnapshot().status).toBe('active');
  });

  it('fault S2 an OrchestratorError whose message cannot be read fails the task and nothing else', async () => {
    const error = Object.defineProperty(new OrchestratorError('SERVICE_FAILED', 'x'), 'message', {
      get: throwing,
    });
    const { orchestrator } = simulated({
      services: { rude: () => Promise.reject(error) },
      config: config({ maxRetries: 0 }),
    });
    expect(await orchestrator.execute('work')).toMatchObject({
      status: 'failed',
      errorCode: 'SERVICE_FAILED',
    });
    expect(orchestrator.actor.getSnapshot().status).toBe('active');
  });

  it('fault S7 a result that holds a revoked proxy completes', async () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const { orchestrator } = simulated({ services: { odd: () => ({ proxy }) } });
    expect(await orchestrator.execute('work')).toMatchObject({ status: 'completed' });
  });
});

describe('cancel and stop at the moment in which an attempt ends', () => {
  it('fault Q6 cancel between a failure and its backoff frees the instance', async () => {
    const service = manualService();
    const { orchestrator } = simulated({ services: { only: { service, concurrency: 1 } }, config: config() });
    const handle = orchestrator.submit('first');
    await drained();
    service.calls[0]?.reject(new Error('flaky'));
    // One microtask later the instance knows of the failure, and the supervisor does not yet.
    await null;
    handle.cancel();
    expect(await handle.result()).toMatchObject({ status: 'cancelled' });
    expect(orchestrator.stats().abandoned).toBe(0);
    void orchestrator.execute('second');
    await drained();
    expect(service.calls.map(({ task }) => task)).toEqual(['first', 'second']);
  });

  it('promise C1 a stop at the moment of an answer does not lose the task', async () => {
    for (const ticks of [0, 1, 2, 3]) {
      const service = manualService();
      const { orchestrator } = simulated({ services: { only: service } });
      const result = orchestrator.execute('work');
      await drained();
      service.calls[0]?.resolve('done');
      for (let tick = 0; tick < ticks; tick += 1) await null;
      void orchestrator.close({ drainSeconds: 0 });
      await drained();
      await expect(Promise.race([result, 'lost'])).resolves.not.toBe('lost');
    }
  });

  it('promise C1 a sleep over timeout and drain limit does not lose the task', async () => {
    const { orchestrator, clock } = simulated({
      services: { hangs: () => new Promise(() => {}) },
      config: config({ timeoutSeconds: 5, maxRetries: 0 }),
    });
    const result = orchestrator.execute('work');
    await drained();
    const closing = orchestrator.close({ drainSeconds: 30 });
    clock.increment(60_000);
    await closing;
    expect(await result).toMatchObject({ success: false });
  });

  it('promise C1 a stop as the circuit opens does not lose a task in backoff', async () => {
    const data = { retryAfterSeconds: 40 };
    const { orchestrator, clock } = simulated({
      services: {
        only: (task) =>
          task === 'hangs' ? new Promise(() => {}) : Promise.reject({ message: 'later', data }),
      },
      config: config({ timeoutSeconds: 5, circuitFailures: 2 }),
    });
    const results = orchestrator.executeParallel(['hangs', 'backs off']);
    await drained();
    expect(orchestrator.stats()).toMatchObject({ running: 1, retrying: 1 });
    const closing = orchestrator.close({ drainSeconds: 30 });
    // After a sleep all timers fire at once: the timeout that opens the circuit, then the end of the drain.
    clock.increment(35_000);
    await closing;
    expect((await results).map(({ success }) => success)).toEqual([false, false]);
  });

  it('fault Q12 retries of one moment count against the same budget', async () => {
    const service = manualService();
    const { orchestrator } = simulated({
      services: { only: service },
      config: config({ maxParallel: 10, circuitFailures: 100 }),
    });
    void orchestrator.executeParallel(Array.from({ length: 9 }, (_, index) => `task ${index}`));
    await drained();
    for (const call of service.calls) call.reject(new Error('down'));
    await drained();
    expect(orchestrator.stats()).toMatchObject({ retrying: 3, failed: 6 });
  });
});

describe('circuits', () => {
  const failing = (task: string): string => {
    if (task.startsWith('bad')) throw new Error('down');
    return task;
  };

  it('fault Q11 a task assigned as the circuit opens is not started and keeps its place', async () => {
    const started: string[] = [];
    const { orchestrator, advance } = simulated({
      services: {
        only: (task) => {
          started.push(task);
          return failing(task);
        },
      },
      config: config({ circuitFailures: 1, maxRetries: 0, maxParallel: 3 }),
    });
    const results = orchestrator.executeParallel(['bad', 'good 1', 'good 2', 'good 3']);
    await drained();
    expect(started).toEqual(['bad']);
    expect(orchestrator.stats()).toMatchObject({ queued: 3, failed: 1 });
    await advance(5_000);
    expect(started).toEqual(['bad', 'good 1', 'good 2', 'good 3']);
    expect((await results).map(({ attempts }) => attempts)).toEqual([1, 1, 1, 1]);
  });

  it('fault S22 an attempt from before fails beside a probe and does not probe as well', async () => {
    const service = manualService();
    const { orchestrator, advance } = simulated({
      services: { only: { service, concurrency: 3 } },
      config: config({ circuitFailures: 1, circuitCooldownSeconds: 1, backoffBaseSeconds: 0.001 }),
    });
    for (const task of ['old', 'bad']) orchestrator.submit(task, { maxRetries: task === 'old' ? 2 : 0 });
    await drained();
    service.calls[1]?.reject(new Error('down'));
    await drained();
    orchestrator.submit('probe');
    await advance(1_000);
    expect(service.open().map(({ task }) => task)).toEqual(['old', 'probe']);
    service.calls[0]?.reject(new Error('down'));
    await advance(100);
    expect(service.open().map(({ task }) => task)).toEqual(['probe']);
  });
});

describe('what observers and callers are told', () => {
  it('fault Q13 facts reach listeners in order, whatever a listener does', async () => {
    const events: RuntimeEvent[] = [];
    const handles: TaskHandle[] = [];
    const { orchestrator } = simulated({ services: { only: manualService() } });
    orchestrator.on('event', ({ type }) => {
      if (type === 'submitted') for (const handle of handles) handle.cancel();
    });
    orchestrator.on('event', (event) => events.push(event));
    handles.push(orchestrator.submit('a'));
    // Refused on the spot, and so told on the spot, together with what happened before.
    void orchestrator.execute('b', { signal: AbortSignal.abort() });
    await drained();
    expect(handles.map((handle) => handle.status())).toEqual(['cancelled']);
    expect(checkHistory(events, { isComplete: true }).violations).toEqual([]);
  });

  it('fault Q3 a duplicate id that is refused does not make the queue look idle', async () => {
    const service = manualService();
    const { orchestrator } = simulated({ services: { only: service } });
    const idle = vi.fn();
    orchestrator.on('idle', idle);
    void orchestrator.execute('first', { taskId: 'mine' });
    expect(await orchestrator.execute('second', { taskId: 'mine' })).toMatchObject({
      errorCode: 'DUPLICATE_ID',
    });
    await drained();
    expect(idle).not.toHaveBeenCalled();
    service.calls[0]?.resolve();
    await drained();
    expect(idle).toHaveBeenCalledTimes(1);
  });

  it('promise C17 a task refused while draining is told at once', async () => {
    const seen: string[] = [];
    const service = manualService();
    const { orchestrator } = simulated({ services: { only: service } });
    void orchestrator.execute('running');
    await drained();
    orchestrator.on('event', ({ type }) => seen.push(type));
    void orchestrator.close({ drainSeconds: 9 });
    await orchestrator.execute('late');
    await drained();
    expect(seen).toEqual(['submitted', 'settled']);
  });

  it('promise C13 a replayed result leaves no listener on the signal', async () => {
    const { orchestrator } = simulated({ services: { echo: (task) => task } });
    await orchestrator.execute('work', { idempotencyKey: 'k' });
    const { signal } = new AbortController();
    const add = vi.spyOn(signal, 'addEventListener');
    const remove = vi.spyOn(signal, 'removeEventListener');
    expect((await orchestrator.execute('work', { idempotencyKey: 'k', signal })).success).toBe(true);
    expect(add.mock.calls.length - remove.mock.calls.length).toBe(0);
  });

  it('an attempt given up by timeout and deadline at once is told before the result', async () => {
    const events: RuntimeEvent[] = [];
    const { orchestrator, advance } = simulated({
      services: { hangs: () => new Promise(() => {}) },
      config: config({ timeoutSeconds: 1 }),
    });
    orchestrator.on('event', (event) => events.push(event));
    const result = orchestrator.execute('work', { deadlineSeconds: 2 });
    await advance(5_000);
    expect(await result).toMatchObject({ status: 'timed_out' });
    expect(events.map(({ type }) => type)).toEqual([
      'submitted',
      'queued',
      'started',
      'abandoned',
      'settled',
    ]);
  });
});

describe('rate limits and drain', () => {
  it('a retry on a removed service still gets its rate window', async () => {
    const service = manualService();
    const { orchestrator, advance } = simulated({
      services: {
        leaving: { service, rateLimit: { limit: 1, intervalSeconds: 10 } },
        staying: (task) => task,
      },
      config: config({ backoffBaseSeconds: 0.001 }),
    });
    const result = orchestrator.execute('work', { service: 'leaving' });
    await drained();
    service.calls[0]?.reject(new Error('flaky'));
    await drained();
    orchestrator.registry.unregister('leaving');
    await advance(1);
    await advance(10_000);
    service.calls[1]?.resolve('done');
    expect((await result).result).toBe('done');
  });

  it('a task in backoff does not count as an attempt that an interval carries over', async () => {
    const service = manualService();
    const rateLimit = { limit: 1, intervalSeconds: 1, window: 'fixed', carryOver: true } as const;
    const { orchestrator, advance } = simulated({
      services: { only: { service, rateLimit } },
      config: config({ backoffBaseSeconds: 0.001 }),
    });
    const result = orchestrator.execute('work');
    await drained();
    service.calls[0]?.reject(new Error('flaky'));
    await advance(1);
    await advance(1_000);
    service.calls[1]?.resolve('done');
    expect((await result).result).toBe('done');
  });

  it('promise C17 a pause during the drain does not hold it up', async () => {
    const service = manualService();
    const { orchestrator } = simulated({ services: { only: service }, config: config({ maxParallel: 1 }) });
    const results = orchestrator.executeParallel(['a', 'b']);
    await drained();
    void orchestrator.close({ drainSeconds: 9 });
    orchestrator.pause();
    service.calls[0]?.resolve();
    await drained();
    service.calls[1]?.resolve();
    expect((await results).every(({ success }) => success)).toBe(true);
  });
});

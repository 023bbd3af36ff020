import { describe, expect, it } from 'vitest';
import type { Orchestrator, TaskHandle, TaskResult } from '../../src/index.js';
import { drained, manualService, simulated } from '../support/simulation.js';
import {
  config,
  expectAtRest,
  expectBooksToBalance,
  expectNothingUnhandled,
  recordingLog,
} from './support.js';

expectNothingUnhandled();

describe('cancel from inside', () => {
  it('fault Q6 failFast with one slot never starts what waits behind the failure', async () => {
    const service = manualService();
    const { orchestrator } = simulated({
      services: { only: service },
      config: config({ maxParallel: 1, maxRetries: 0 }),
    });
    const batch = orchestrator.executeParallel(['fails', 'b', 'c'], { failFast: true });
    await drained();
    service.calls[0]?.reject(new Error('no'));
    expect((await batch).map(({ status, attempts }) => [status, attempts])).toEqual([
      ['failed', 1],
      ['cancelled', 0],
      ['cancelled', 0],
    ]);
    await drained();
    expect(service.calls).toHaveLength(1);
    await expectAtRest(orchestrator);
  });

  it('fault Q6 a task that is cancelled by the service just starting never starts', async () => {
    const started: string[] = [];
    const handles: TaskHandle[] = [];
    const { orchestrator } = simulated({
      services: {
        only: (task) => {
          started.push(task);
          handles[1]?.cancel();
        },
      },
    });
    for (const task of ['a', 'b', 'c']) handles.push(orchestrator.submit(task));
    await orchestrator.onIdle();
    expect(started).toEqual(['a', 'c']);
    expect(handles.map((handle) => handle.status())).toEqual(['completed', 'cancelled', 'completed']);
    await expectAtRest(orchestrator);
  });

  it('fault Q6 a task that is cancelled while its strategy ranks it never starts', async () => {
    const controller = new AbortController();
    let calls = 0;
    const { orchestrator } = simulated({
      services: {
        only: () => {
          calls += 1;
        },
      },
      strategy: () => {
        controller.abort('too late');
        return [['only', 1]];
      },
    });
    const result = await orchestrator.execute('work', { signal: controller.signal });
    expect(result).toMatchObject({ status: 'cancelled', attempts: 0 });
    expect(calls).toBe(0);
    await expectAtRest(orchestrator);
  });

  it('fault Q6 a retry that is due and is cancelled by the end of the task before it never starts', async () => {
    const service = manualService();
    const { orchestrator, advance } = simulated({
      services: { only: { service, concurrency: 2 } },
      config: config({ maxParallel: 1, circuitFailures: 100, backoffBaseSeconds: 1 }),
    });
    const batch = orchestrator.executeParallel(['flaky', { task: 'blocks', maxRetries: 0 }], {
      failFast: true,
    });
    await drained();
    service.calls[0]?.reject(new Error('one'));
    await advance(500);
    service.calls[1]?.reject(new Error('two'));
    expect((await batch).map(({ status, attempts }) => [status, attempts])).toEqual([
      ['cancelled', 1],
      ['failed', 1],
    ]);
    await drained();
    expect(service.calls).toHaveLength(2);
    await expectAtRest(orchestrator);
  });

  it('fault Q6 a task cancelled from its own progress listener is answered before progress() returns', async () => {
    const seen: unknown[] = [];
    const { orchestrator } = simulated({
      services: {
        only: async (_task, context) => {
          await drained();
          context.progress(0.5);
          seen.push(context.signal.aborted, handle.status(), orchestrator.stats().running);
          context.progress(0.9);
        },
      },
    });
    let told = 0;
    const handle = orchestrator.submit('work', {
      onProgress: () => {
        told += 1;
        handle.cancel();
      },
    });
    expect((await handle.result()).status).toBe('cancelled');
    await expectAtRest(orchestrator);
    expect(seen).toEqual([true, 'cancelled', 0]);
    expect(told).toBe(1);
    expect(orchestrator.stats().lateSettlements).toBe(1);
  });

  it('fault S5 an abort listener may cancel, submit and clear', async () => {
    const service = manualService();
    const { orchestrator } = simulated({ services: { only: service }, config: config({ maxParallel: 2 }) });
    const results: Promise<TaskResult>[] = [];
    const first = orchestrator.submit('first');
    const second = orchestrator.submit('second');
    const waiting = orchestrator.submit('waiting');
    await drained();
    service.calls[0]?.context.signal.addEventListener('abort', () => {
      second.cancel('chain');
      orchestrator.clear();
      results.push(orchestrator.execute('from the listener'));
      service.calls[0]?.resolve();
      service.calls[1]?.resolve();
    });
    first.cancel();
    const all = await Promise.all([first.result(), second.result(), waiting.result()]);
    expect(all.map(({ status, attempts }) => [status, attempts])).toEqual([
      ['cancelled', 1],
      ['cancelled', 1],
      ['cancelled', 0],
    ]);
    await drained();
    service.open()[0]?.resolve('fine');
    expect((await results[0])?.result).toBe('fine');
    await expectAtRest(orchestrator);
  });
});

describe('pause from inside', () => {
  it('a service that pauses the queue is the last one to start', async () => {
    const started: string[] = [];
    const { orchestrator } = simulated({
      services: {
        only: (task) => {
          started.push(task);
          orchestrator.pause();
          expect(orchestrator.isPaused).toBe(true);
        },
      },
    });
    const results = orchestrator.executeParallel(['a', 'b', 'c']);
    await drained();
    expect(started).toEqual(['a']);
    expect(orchestrator.stats()).toMatchObject({ isPaused: true, queued: 2, completed: 1 });
    orchestrator.resume();
    await drained();
    expect(started).toEqual(['a', 'b']);
    orchestrator.resume();
    expect((await results).every(({ success }) => success)).toBe(true);
  });

  it('a service that pauses and resumes at once changes nothing', async () => {
    const { orchestrator } = simulated({
      services: {
        only: (task) => {
          orchestrator.pause().resume();
          return task;
        },
      },
    });
    const results = await orchestrator.executeParallel(['a', 'b', 'c']);
    expect(results.map(({ result }) => result)).toEqual(['a', 'b', 'c']);
    expect(orchestrator.isPaused).toBe(false);
  });
});

describe('listeners', () => {
  it('fault Q13 a listener may submit, cancel, pause, resume, clear and resize', async () => {
    const { orchestrator } = simulated({
      services: { only: (task) => task },
      config: config({ maxParallel: 1 }),
    });
    const added: TaskHandle[] = [];
    orchestrator.on('completed', ({ result }) => {
      if (result !== 'first') return;
      added.push(orchestrator.submit('kept'), orchestrator.submit('dropped'));
      added[1]?.cancel();
      orchestrator.pause().setMaxParallel(3).resume();
    });
    await orchestrator.execute('first');
    await orchestrator.onIdle();
    expect(added.map((handle) => handle.status())).toEqual(['completed', 'cancelled']);
    expect(orchestrator.stats()).toMatchObject({ maxParallel: 3, isPaused: false });
    await expectAtRest(orchestrator);
  });

  it('fault P1 a listener that closes the orchestrator loses no task, not even one submitted behind it', async () => {
    const { orchestrator } = simulated({
      services: { only: (task) => task },
      config: config({ maxParallel: 1 }),
    });
    const late: Promise<TaskResult>[] = [];
    let closing: Promise<void> | undefined;
    orchestrator.on('completed', () => {
      closing ??= orchestrator.close({ drainSeconds: 0 });
      late.push(orchestrator.execute('late'));
      orchestrator.clear();
      late.push(orchestrator.execute('later'));
    });
    const results = await orchestrator.executeParallel(['a', 'b', 'c']);
    await closing;
    // The second ran when the first was told of.
    expect(results.map(({ status }) => status)).toEqual(['completed', 'completed', 'cancelled']);
    for (const result of await Promise.all(late))
      expect(result).toMatchObject({ errorCode: 'SHUTTING_DOWN' });
    expectBooksToBalance(orchestrator);
  });

  it('fault Q13 an async listener that rejects is reported and leaves no unhandled rejection', async () => {
    const log = recordingLog();
    const { orchestrator } = simulated({
      services: {
        only: (_task, { progress }) => {
          progress(1);
          return 'ok';
        },
      },
      log,
    });
    const fault = async (): Promise<never> => {
      throw new Error('listener');
    };
    orchestrator.on('completed', fault).on('add', fault);
    const result = await orchestrator.execute('work', { onProgress: fault });
    await drained();
    expect(result.success).toBe(true);
    expect(log.warn).toHaveBeenCalledTimes(3);
  });

  it.each([
    [
      'executeParallel',
      (orchestrator: Orchestrator, onProgress: () => void) =>
        orchestrator.executeParallel(['a', 'b'], { onProgress }),
    ],
    [
      'executeSubtasks',
      (orchestrator: Orchestrator, onProgress: () => void) =>
        orchestrator.executeSubtasks([{ task: 'a' }, { task: 'b' }], { onProgress }),
    ],
  ])('fault Q13 a progress listener of %s that throws changes nothing', async (_, run) => {
    const log = recordingLog();
    const { orchestrator } = simulated({ services: { only: (task) => task }, log });
    const results = await run(orchestrator, () => {
      throw new Error('progress');
    });
    expect(results.map(({ result }) => result)).toEqual(['a', 'b']);
    expect(log.warn).toHaveBeenCalledTimes(2);
    await expectAtRest(orchestrator);
  });

  it('fault Q13 a logger that throws changes nothing', async () => {
    const fault = (): never => {
      throw new Error('log');
    };
    const { orchestrator, advance } = simulated({
      services: {
        only: {
          concurrency: 1,
          execute: (task, { log }) => {
            log.info({}, 'hello');
            if (task === 'fails') throw new Error('no');
            return task;
          },
        },
      },
      config: config({ circuitFailures: 1, maxRetries: 0 }),
      log: { debug: fault, info: fault, warn: fault, error: fault },
    });
    orchestrator.on('next', fault);
    expect(await orchestrator.execute('fails')).toMatchObject({ errorCode: 'SERVICE_FAILED' });
    expect(orchestrator.listServices()[0]?.state).toBe('failed');
    await advance(5_000);
    expect((await orchestrator.execute('fine')).result).toBe('fine');
    await expectAtRest(orchestrator);
  });

  it('fault Q13 an inspector that throws or reaches into the queue changes nothing', async () => {
    let count = 0;
    const { orchestrator } = simulated({
      services: { only: (task) => task },
      inspect: () => {
        count += 1;
        throw new Error('inspector');
      },
      log: recordingLog(),
    });
    expect((await orchestrator.execute('a')).success).toBe(true);
    expect(count).toBeGreaterThan(0);
    await expectAtRest(orchestrator);
  });

  it('fault Q13 a registry listener that throws keeps neither the others nor the orchestrator from the change', async () => {
    const { ServiceRegistry } = await import('../../src/index.js');
    const registry = new ServiceRegistry({ only: (task) => task });
    registry.on('change', () => {
      throw new Error('listener');
    });
    const { orchestrator } = simulated({ registry });
    registry.register('second', (task) => `second ${task}`);
    expect((await orchestrator.execute('a', { service: 'second' })).result).toBe('second a');
    expect(registry.unregister('second')).toBe(true);
    expect((await orchestrator.execute('a', { service: 'second' })).errorCode).toBe('UNKNOWN_SERVICE');
  });
});

describe('the registry from inside', () => {
  it('fault Q1 a service that removes itself finishes, and what waits for it moves on', async () => {
    const { orchestrator } = simulated({
      services: {
        leaving: (task) => {
          orchestrator.registry.unregister('leaving');
          return `leaving ${task}`;
        },
        staying: (task) => `staying ${task}`,
      },
      strategy: () => [
        ['leaving', 0.9],
        ['staying', 0.8],
      ],
      config: config({ maxParallel: 1 }),
    });
    const results = await orchestrator.executeParallel(['a', 'b']);
    expect(results.map(({ result }) => result)).toEqual(['leaving a', 'staying b']);
    expect(orchestrator.listServices().map(({ name }) => name)).toEqual(['staying']);
    await expectAtRest(orchestrator, 'staying');
  });

  it('fault Q2 a service that replaces itself finishes, and the newcomer goes on', async () => {
    const { orchestrator } = simulated({
      services: {
        only: (task) => {
          orchestrator.registry.register('only', (next) => `second ${next}`, { replace: true });
          return `first ${task}`;
        },
      },
      config: config({ maxParallel: 1 }),
    });
    const results = await orchestrator.executeParallel(['a', 'b', 'c']);
    expect(results.map(({ result }) => result)).toEqual(['first a', 'second b', 'second c']);
    await expectAtRest(orchestrator);
  });

  it('fault Q1 a strategy that removes the service it names gives the task to the next candidate', async () => {
    const { orchestrator } = simulated({
      services: { a: () => 'a', b: () => 'b' },
      strategy: () => {
        orchestrator.registry.unregister('a');
        return [
          ['a', 0.9],
          ['b', 0.8],
        ];
      },
      config: config({ maxParallel: 1, startPaused: true }),
    });
    const result = orchestrator.execute('work');
    await drained();
    orchestrator.resume();
    expect((await result).result).toBe('b');
  });

  it('fault P1 a service that closes the orchestrator ends, and its result counts', async () => {
    let closing: Promise<void> | undefined;
    const { orchestrator } = simulated({
      services: {
        only: (task) => {
          closing ??= orchestrator.close();
          return task;
        },
      },
      config: config({ maxParallel: 1 }),
    });
    const results = await orchestrator.executeParallel(['a', 'b']);
    await closing;
    expect(results.map(({ status }) => status)).toEqual(['completed', 'completed']);
  });
});

describe('what a service asks for while tasks are started', () => {
  const asks: Record<string, (orchestrator: Orchestrator) => void> = {
    'setMaxParallel(1)': (orchestrator) => orchestrator.setMaxParallel(1),
    'setConcurrency(1)': (orchestrator) => orchestrator.setConcurrency('only', 1),
    'setMaxParallel(8), then (1)': (orchestrator) => orchestrator.setMaxParallel(8).setMaxParallel(1),
    'setConcurrency(8), then (1)': (orchestrator) =>
      orchestrator.setConcurrency('only', 8).setConcurrency('only', 1),
    'clear()': (orchestrator) => orchestrator.clear(),
    'unregister()': (orchestrator) => orchestrator.registry.unregister('only'),
    'close() without a drain': (orchestrator) => void orchestrator.close({ drainSeconds: 0 }),
    'close() without a drain, then with one and resume()': (orchestrator) => {
      void orchestrator.close({ drainSeconds: 0 });
      void orchestrator.close({ drainSeconds: 5 });
      orchestrator.resume();
    },
  };

  // Without instances five tasks are assigned before the first of them starts; they do not wait any more.
  it.each([
    ['setMaxParallel(1)', { instances: 5, most: 1, started: 10 }],
    ['setMaxParallel(1)', { instances: 0, most: 1, started: 10 }],
    ['setConcurrency(1)', { instances: 5, most: 1, started: 10 }],
    ['setConcurrency(1)', { instances: 0, most: 1, started: 10 }],
    ['setMaxParallel(8), then (1)', { instances: 5, most: 1, started: 10 }],
    ['setConcurrency(8), then (1)', { instances: 5, most: 1, started: 10 }],
    ['close() without a drain, then with one and resume()', { instances: 5, most: 1, started: 1 }],
    ['clear()', { instances: 5, most: 1, started: 1 }],
    ['clear()', { instances: 0, most: 5, started: 5 }],
    ['unregister()', { instances: 5, most: 1, started: 1 }],
    ['unregister()', { instances: 0, most: 1, started: 1 }],
    ['close() without a drain', { instances: 5, most: 1, started: 1 }],
    ['close() without a drain', { instances: 0, most: 1, started: 1 }],
  ])('fault Q6 %s holds for the next start: %j', async (name, { instances, ...expected }) => {
    let ask: ((orchestrator: Orchestrator) => void) | undefined;
    let running = 0;
    const seen = { most: 0, started: 0 };
    const { orchestrator } = simulated({
      services: {
        only: async () => {
          running += 1;
          seen.started += 1;
          seen.most = Math.max(seen.most, running);
          ask?.(orchestrator);
          ask = undefined;
          await drained();
          running -= 1;
        },
      },
      config: config({ maxParallel: 5 }),
    });
    await orchestrator.executeParallel(Array.from({ length: instances }, (_, index) => `warm ${index}`));
    Object.assign(seen, { most: 0, started: 0 });
    ask = asks[name];
    const handles = Array.from({ length: 10 }, (_, index) => orchestrator.submit(`t${index}`));
    await Promise.all(handles.map((handle) => handle.result()));
    expect(seen).toEqual(expected);
    expectBooksToBalance(orchestrator);
  });
});
